import { StoreConflictError, type StoreEntry } from '@tender/sdk/runtime'

interface Kept extends StoreEntry {
  readonly writtenAtMs: number
}

/** A key-value bucket of JetStream, on the broker's disk: what it has taken is not lost. */
export class Bucket {
  readonly name: string
  readonly #ttlMs: number
  readonly #entries = new Map<string, Kept>()
  #revision = 0

  /** @param ttlMs entries vanish so long after their last write */
  constructor(name: string, ttlMs = Infinity) {
    this.name = name
    this.#ttlMs = ttlMs
  }

  get(key: string, now: number): StoreEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry && now - entry.writtenAtMs >= this.#ttlMs) {
      this.#entries.delete(key)
      return undefined
    }
    return entry
  }

  list(now: number): StoreEntry[] {
    return [...this.#entries.keys()].toSorted().flatMap(key => this.get(key, now) ?? [])
  }

  put(key: string, value: string, now: number): number {
    const revision = ++this.#revision
    this.#entries.set(key, { key, value, revision, writtenAtMs: now })
    return revision
  }

  create(key: string, value: string, now: number): number {
    if (this.get(key, now)) throw new StoreConflictError(`'${key}' is there already`)
    return this.put(key, value, now)
  }

  update(key: string, value: string, revision: number, now: number): number {
    this.#check(key, revision, now)
    return this.put(key, value, now)
  }

  /** Writes or removes, if nothing at all was written to the bucket since `after`, where that is given. */
  append(key: string, value: string | undefined, after: number | undefined, now: number): number {
    if (after !== undefined && after !== this.#revision)
      throw new StoreConflictError(`the store was written by somebody else`)
    if (value === undefined) this.delete(key, undefined, now)
    else this.put(key, value, now)
    return this.#revision
  }

  delete(key: string, revision: number | undefined, now: number): void {
    if (revision !== undefined) this.#check(key, revision, now)
    this.#entries.delete(key)
    this.#revision++
  }

  #check(key: string, revision: number, now: number): void {
    if (this.get(key, now)?.revision !== revision) throw new StoreConflictError(`'${key}' was changed`)
  }
}
