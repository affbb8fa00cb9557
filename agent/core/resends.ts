import type { Millis } from '@tender/sdk/runtime'
import type { TaskKey } from './task.js'

const firstMs = 1_000
const longestMs = 60_000

/** When the unacknowledged updates of a task are sent again: after 1 s, doubling to 60 s. */
export class Resends {
  readonly #waits = new Map<TaskKey, { dueMs: Millis; waitMs: number }>()

  /** A new update: the wait begins anew. */
  start(key: TaskKey, now: Millis): void {
    this.#waits.set(key, { dueMs: now + firstMs, waitMs: firstMs })
  }

  stop(key: TaskKey): void {
    this.#waits.delete(key)
  }

  /** Those that are due; each waits twice as long now. */
  due(now: Millis): TaskKey[] {
    const due = [...this.#waits].filter(([, wait]) => now >= wait.dueMs)
    for (const [, wait] of due) {
      wait.waitMs = Math.min(wait.waitMs * 2, longestMs)
      wait.dueMs = now + wait.waitMs
    }
    return due.map(([key]) => key)
  }
}
