import type { TaskKey as ContainerKey } from '../containerizer/containerizer.js'
import { type TaskKey, taskKey } from './task.js'

/** What was found running, or left over, and belongs to no task; it waits for the leader's word. */
export class Orphans {
  readonly #orphans = new Map<TaskKey, ContainerKey>()

  /** In the order in which they were found. */
  get all(): ContainerKey[] {
    return [...this.#orphans.values()]
  }

  /** @returns whether it was not known */
  add({ frameworkId, taskId }: ContainerKey): boolean {
    const key = taskKey(frameworkId, taskId)
    if (this.#orphans.has(key)) return false
    this.#orphans.set(key, { frameworkId, taskId })
    return true
  }

  /** @returns whether it was one */
  delete({ frameworkId, taskId }: ContainerKey): boolean {
    return this.#orphans.delete(taskKey(frameworkId, taskId))
  }
}
