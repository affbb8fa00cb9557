import type { TaskKey } from './containerizer.js'

/** A task as the key of a map. */
export function keyOf(task: TaskKey): string {
  return JSON.stringify([task.frameworkId, task.taskId])
}
