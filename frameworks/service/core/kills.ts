import type { Millis } from '@tender/sdk'

/** An order to end that has not been followed is given again after this. */
export const killAgainAfterMs = 10_000

/** Orders to end tasks, from when they are first to be given until the tasks have ended. */
export class Kills {
  readonly #dueMs = new Map<string, Millis>()

  /** The order is to be given. */
  order(taskId: string, now: Millis): void {
    this.#dueMs.set(taskId, now)
  }

  /** It has been given. */
  ordered(taskId: string, now: Millis): void {
    this.#dueMs.set(taskId, now + killAgainAfterMs)
  }

  done(taskId: string): void {
    this.#dueMs.delete(taskId)
  }

  /** All are to be given again: the leader may be a new one. */
  now(): void {
    for (const taskId of this.#dueMs.keys()) this.#dueMs.set(taskId, 0)
  }

  due(now: Millis): string[] {
    return [...this.#dueMs].filter(([, dueMs]) => dueMs <= now).map(([taskId]) => taskId)
  }
}
