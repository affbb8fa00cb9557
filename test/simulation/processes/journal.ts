import type { Bucket } from '../world/bucket.js'
import type { Connection } from '../world/network.js'
import type { Outcome, Store } from '../world/store.js'

const attemptMs = 1_000
const firstRetryMs = 100
const longestRetryMs = 5_000

/** A value for a key, or none to remove it. */
export interface Entry {
  readonly key: string
  readonly value: string | undefined
}

interface Surroundings {
  readonly store: Store
  readonly bucket: Bucket
  readonly connection: Connection
  /** Calls later, unless the process has died meanwhile. */
  readonly after: (delayMs: number, act: () => void) => void
  readonly whenAlive: <A extends unknown[]>(act: (...args: A) => void) => (...args: A) => void
}

interface Commit {
  left: number
  readonly done: () => void
}

/**
 * A framework's store as the service framework's shell uses it: the writes of a commit at once, those of one key one
 * after another, tried again until they succeed, and the commits reported in the order in which they came.
 */
export class Journal {
  readonly #around: Surroundings
  readonly #queues = new Map<string, { readonly entry: Entry; readonly commit: Commit }[]>()
  readonly #commits: Commit[] = []

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** @param done when these, and all before, are durable */
  commit(entries: readonly Entry[], done: () => void): void {
    const commit = { left: entries.length, done }
    this.#commits.push(commit)
    for (const entry of entries) this.#enqueue(entry, commit)
    this.#report()
  }

  #enqueue(entry: Entry, commit: Commit): void {
    const queue = this.#queues.get(entry.key)
    if (queue) {
      queue.push({ entry, commit })
      return
    }
    this.#queues.set(entry.key, [{ entry, commit }])
    this.#write(entry.key, firstRetryMs)
  }

  #write(key: string, retryMs: number): void {
    const next = this.#queues.get(key)?.[0]
    if (!next) {
      this.#queues.delete(key)
      return
    }
    const { store, bucket, connection, after, whenAlive } = this.#around
    const { value } = next.entry
    store.ask(connection, bucket, {
      timeoutMs: attemptMs,
      work: (kept, now) => {
        if (value === undefined) kept.delete(key, undefined, now)
        else kept.put(key, value, now)
      },
      done: whenAlive((outcome: Outcome<void>) => {
        if (outcome.kind !== 'done')
          return after(retryMs, () => this.#write(key, Math.min(2 * retryMs, longestRetryMs)))
        this.#queues.get(key)?.shift()
        next.commit.left--
        this.#write(key, firstRetryMs)
        this.#report()
      }),
    })
  }

  #report(): void {
    while (this.#commits[0]?.left === 0) this.#commits.shift()?.done()
  }
}
