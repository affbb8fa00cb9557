import type { TaskStatus } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import type { AgentCommand } from './commands.js'
import { type AgentTaskState, keyOf, type TaskKey } from './task.js'

const retryMs = 1_000

/**
 * What the disk has of each task. While it cannot be written (it is full, or has become read-only), the agent cares for
 * its tasks in memory and tells nobody what is not stored: told and then forgotten, it would be told again with another
 * content under the same number.
 */
export class TaskStore {
  readonly #stored = new Map<TaskKey, AgentTaskState>()
  /** Of the last step: stored, unless the next input says that it was not. */
  #written: AgentTaskState[] = []
  /** Those of which the disk has less than is known. */
  readonly #waiting = new Map<TaskKey, AgentTaskState>()
  #trouble: string | undefined
  #retryAtMs = 0

  constructor(tasks: readonly AgentTaskState[]) {
    for (const task of tasks) this.#stored.set(keyOf(task), copy(task))
  }

  /** Why nothing can be stored; undefined when all is well. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** A step has begun, and no word has come that the last one's writes had failed. */
  settle(): void {
    for (const task of this.#written) this.#stored.set(keyOf(task), task)
    this.#written = []
  }

  write(task: AgentTaskState): AgentCommand[] {
    if (this.#trouble !== undefined) {
      this.#waiting.set(keyOf(task), task)
      return []
    }
    const written = copy(task)
    this.#written.push(written)
    return [{ kind: 'checkpoint', task: written }]
  }

  forget(task: AgentTaskState): void {
    this.#stored.delete(keyOf(task))
    this.#waiting.delete(keyOf(task))
  }

  /** Of the last step's writes, those from `undone` on have failed. */
  refused(undone: readonly AgentCommand[], reason: string, now: Millis): void {
    const failed = new Set(undone.flatMap(command => (command.kind === 'checkpoint' ? [command.task] : [])))
    this.#written = this.#written.filter(task => !failed.has(task))
    this.settle()
    this.#trouble = reason
    this.#retryAtMs = now + retryMs
  }

  /** What was decided of a task waits until it can be stored. */
  wait(task: AgentTaskState): void {
    this.#waiting.set(keyOf(task), task)
  }

  /** From time to time, another attempt at all that waits. */
  retry(now: Millis): AgentCommand[] {
    if (this.#trouble === undefined || now < this.#retryAtMs) return []
    this.#retryAtMs = now + retryMs
    return [{ kind: 'checkpoint-again', tasks: [...this.#waiting.values()].map(copy) }]
  }

  /** The attempt has succeeded: these are stored now. */
  recovered(): AgentTaskState[] {
    const tasks = [...this.#waiting.values()]
    for (const task of tasks) this.#stored.set(keyOf(task), copy(task))
    this.#waiting.clear()
    this.#trouble = undefined
    return tasks
  }

  /** A task as it may be told; undefined when nothing of it is stored. */
  tellable(task: AgentTaskState): AgentTaskState | undefined {
    return this.#waiting.has(keyOf(task)) ? this.#stored.get(keyOf(task)) : task
  }

  tellableUpdates(task: AgentTaskState): TaskStatus[] {
    const last = this.tellable(task)?.lastSequence ?? 0
    return task.updates.filter(({ sequence = 0 }) => sequence <= last)
  }
}

/** A checkpoint is written later than it was decided; it must not change meanwhile. */
function copy(task: AgentTaskState): AgentTaskState {
  return { ...task, updates: [...task.updates] }
}
