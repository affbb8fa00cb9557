import type { Millis } from '@tender/sdk/runtime'
import type { TaskKey } from './task.js'

/** A container has so long to end after its grace, before it is stopped once more. */
const afterGraceMs = 10_000

/** Which tasks have been asked to end, by when. */
export class Stops {
  readonly #endsByMs = new Map<TaskKey, Millis>()

  /** Whether to ask a task (again): when it is to end earlier than it was told, or should have ended long ago. */
  isDue(key: TaskKey, graceMs: number, now: Millis): boolean {
    const endsByMs = this.#endsByMs.get(key)
    const isDue = endsByMs === undefined || now + graceMs < endsByMs || now >= endsByMs + afterGraceMs
    if (isDue) this.#endsByMs.set(key, now + graceMs)
    return isDue
  }

  forget(key: TaskKey): void {
    this.#endsByMs.delete(key)
  }
}
