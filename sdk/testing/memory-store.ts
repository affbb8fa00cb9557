import type { Clock, Millis } from '../runtime/clock.js'
import {
  type KeyValueStore,
  StoreConflictError,
  type StoreChange,
  type StoreEntry,
  type StoreFollower,
  type StoreListener,
} from '../runtime/store.js'

/** When entries vanish by themselves, as in a bucket with a time to live. */
export interface Expiry {
  readonly clock: Clock
  /** Counted from an entry's last write. */
  readonly ttlMs: number
}

/** A store that lives as long as its variable: the same rules as JetStream's, nothing durable. */
export class MemoryStore implements KeyValueStore {
  readonly #entries = new Map<string, StoreEntry & { readonly expiresAtMs: Millis }>()
  readonly #expiry: Expiry | undefined
  readonly #watches = new Set<{ readonly key: string; readonly listener: StoreListener }>()
  readonly #followers = new Set<{ readonly follower: StoreFollower }>()
  /** What was deleted last under each key that is not there, as JetStream keeps it. */
  readonly #deletions = new Map<string, Extract<StoreChange, { kind: 'deleted' }>>()
  #revision = 0

  constructor(expiry?: Expiry) {
    this.#expiry = expiry
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    const entry = this.#find(key)
    return entry && { key, value: entry.value, revision: entry.revision }
  }

  async list(prefix = ''): Promise<StoreEntry[]> {
    const keys = [...this.#entries.keys()].filter(key => key.startsWith(prefix)).toSorted()
    const entries = await Promise.all(keys.map(key => this.get(key)))
    return entries.filter(entry => entry !== undefined)
  }

  async put(key: string, value: string): Promise<number> {
    return this.#write(key, value)
  }

  async create(key: string, value: string): Promise<number> {
    this.#expect(key, this.#find(key) === undefined)
    return this.#write(key, value)
  }

  async update(key: string, value: string, revision: number): Promise<number> {
    this.#expect(key, (this.#find(key)?.revision ?? 0) === revision)
    return this.#write(key, value)
  }

  async append(key: string, value: string | undefined, after?: number): Promise<number> {
    this.#expect(key, after === undefined || this.#revision === after)
    if (value !== undefined) return this.#write(key, value)
    await this.delete(key)
    return this.#revision
  }

  async delete(key: string, revision?: number): Promise<void> {
    this.#expect(key, revision === undefined || this.#find(key)?.revision === revision)
    const wasThere = this.#entries.delete(key)
    const deletion = { kind: 'deleted', key, revision: ++this.#revision } as const
    this.#deletions.set(key, deletion)
    if (wasThere) this.#tell(key, undefined)
    this.#tellFollowers([deletion])
  }

  watch(key: string, listener: StoreListener): () => void {
    const watch = { key, listener }
    this.#watches.add(watch)
    const entry = this.#find(key)
    if (entry) this.#tell(key, entry, [watch])
    return () => this.#watches.delete(watch)
  }

  follow(follower: StoreFollower): () => void {
    const following = { follower }
    this.#followers.add(following)
    const entries = [...this.#entries.keys()].flatMap(key => this.#find(key) ?? []).map(asWritten)
    const changes = [...entries, ...this.#deletions.values()].toSorted(
      (a, b) => revisionOf(a) - revisionOf(b),
    )
    this.#tellFollowers([{ kind: 'begun' }, ...changes], [following])
    return () => this.#followers.delete(following)
  }

  /** Never before the writer has gone on, as with a store that is elsewhere. */
  #tell(
    key: string,
    entry: StoreEntry | undefined,
    watches: Iterable<{ key: string; listener: StoreListener }> = this.#watches,
  ): void {
    for (const watch of watches) {
      if (watch.key !== key) continue
      queueMicrotask(() => {
        if (this.#watches.has(watch))
          watch.listener(entry && { key, value: entry.value, revision: entry.revision })
      })
    }
  }

  #tellFollowers(changes: readonly StoreChange[], followers = [...this.#followers]): void {
    queueMicrotask(() => {
      for (const change of changes) {
        for (const following of followers) if (this.#followers.has(following)) following.follower(change)
      }
    })
  }

  #find(key: string): StoreEntry | undefined {
    const entry = this.#entries.get(key)
    if (!entry || !this.#expiry || this.#expiry.clock.now() < entry.expiresAtMs) return entry
    this.#entries.delete(key)
    return undefined
  }

  #expect(key: string, holds: boolean): void {
    if (!holds) throw new StoreConflictError(`'${key}' was changed by somebody else`)
  }

  #write(key: string, value: string): number {
    const expiresAtMs = this.#expiry ? this.#expiry.clock.now() + this.#expiry.ttlMs : Infinity
    const entry = { key, value, revision: ++this.#revision, expiresAtMs }
    this.#entries.set(key, entry)
    this.#deletions.delete(key)
    this.#tell(key, entry)
    this.#tellFollowers([asWritten(entry)])
    return this.#revision
  }
}

function asWritten({ key, value, revision }: StoreEntry): Extract<StoreChange, { kind: 'written' }> {
  return { kind: 'written', entry: { key, value, revision } }
}

function revisionOf(change: Exclude<StoreChange, { kind: 'begun' }>): number {
  return change.kind === 'written' ? change.entry.revision : change.revision
}
