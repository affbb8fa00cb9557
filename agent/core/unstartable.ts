import type { TaskKey } from './task.js'

/** So many task ids are remembered, oldest forgotten first. */
const kept = 10_000

/**
 * Task ids that must not be started: a kill has come before the launch, or the task has ended and is forgotten but for
 * its id. Messages come late and twice; this makes a launch that does harmless.
 */
export class UnstartableTasks {
  readonly #killed = new Set<TaskKey>()
  readonly #ended = new Set<TaskKey>()

  add(key: TaskKey): void {
    if (!this.#ended.has(key)) remember(this.#killed, key)
  }

  /** Whether a kill has come before; asked once. */
  take(key: TaskKey): boolean {
    return this.#killed.delete(key)
  }

  ended(key: TaskKey): void {
    remember(this.#ended, key)
  }

  hasEnded(key: TaskKey): boolean {
    return this.#ended.has(key)
  }
}

function remember(keys: Set<TaskKey>, key: TaskKey): void {
  keys.add(key)
  const [oldest] = keys
  if (keys.size > kept && oldest !== undefined) keys.delete(oldest)
}
