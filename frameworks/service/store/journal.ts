import { type Clock, describeError, type Log } from '@tender/sdk'
import type { Write } from '../core/index.js'
import { keyOf, type ServiceStore } from './service-store.js'

const firstRetryMs = 100
/** A write that got lost with its connection is never answered; to write the same again does no harm. */
const attemptMs = 1_000
const longestRetryMs = 5_000

/**
 * Performs commits: all their writes at once, those of one entry one after another, and reports them in the order in
 * which they came. A write that fails is tried again until it succeeds or the journal is stopped: while the store is
 * away nothing that depends on it happens, and nothing is forgotten.
 */
export class Journal {
  readonly #store: ServiceStore
  readonly #clock: Clock
  readonly #log: Log
  /** The last write of each entry that has one under way. */
  readonly #tails = new Map<string, Promise<void>>()
  #last: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(store: ServiceStore, clock: Clock, log: Log) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** Resolves when these writes, and those of all commits before, are durable. */
  commit(writes: readonly Write[]): Promise<void> {
    const own = Promise.all(writes.map(write => this.#enqueue(write)))
    const before = this.#last
    this.#last = own.then(() => before)
    return this.#last
  }

  /** Resolves when everything that was committed until now is durable. */
  idle(): Promise<void> {
    return this.#last
  }

  /** No more retries. What is not durable yet stays so, and its commits never resolve. */
  stop(): void {
    this.#stopped = true
  }

  #enqueue(write: Write): Promise<void> {
    const key = keyOf(write)
    const tail = (this.#tails.get(key) ?? Promise.resolve()).then(() => this.#perform(key, write))
    this.#tails.set(key, tail)
    return tail.finally(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
  }

  async #perform(key: string, write: Write): Promise<void> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        return await this.#attempt(write)
      } catch (error) {
        this.#log.warn('the store does not answer; trying again', { key, error: describeError(error) })
      }
      await new Promise<void>(resolve => this.#clock.setTimer(waitMs, resolve))
      if (this.#stopped) return new Promise(() => {})
    }
  }

  #attempt(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = new Error(`no answer within ${attemptMs} ms`)
      const cancel = this.#clock.setTimer(attemptMs, () => reject(late))
      this.#store.write(write).then(resolve, reject).finally(cancel)
    })
  }
}
