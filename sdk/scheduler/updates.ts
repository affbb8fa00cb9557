import type { AgentId, TaskId } from '../protocol/ids.js'
import type { TaskStatus } from '../protocol/task.js'
import { isTerminal, type TaskState } from '../values/task-state.js'
import type { KnownTask, Tasks } from './tasks.js'

/** Which update of which task has been dealt with. */
export interface Acknowledgement {
  readonly taskId: TaskId
  readonly agentId: AgentId
  readonly sequence: number
}

/** What is to be done about a status, in this order. */
export interface Outcome {
  readonly acknowledge: readonly Acknowledgement[]
  readonly tell: readonly TaskStatus[]
  /** It says something of the task, and is not only a repetition. */
  readonly isNews: boolean
  /** The author was told by the master that this task has ended, and it runs: it must end. */
  readonly hasReturned: boolean
}

const nothing: Outcome = { acknowledge: [], tell: [], isNews: false, hasReturned: false }

/** In these states a task takes up resources for certain. */
export const activeStates: readonly TaskState[] = ['STAGING', 'STARTING', 'RUNNING', 'KILLING']

/**
 * At least once from the master; to the author exactly once, in order, and one after the other for each task. What the
 * master says by itself has no number: it takes its place behind what is waiting, is told if it says something new, and
 * never brings back a task that has ended.
 */
export class Updates {
  readonly #tasks: Tasks

  constructor(tasks: Tasks) {
    this.#tasks = tasks
  }

  /** @param oldest where the updates begin that nobody has acknowledged; undefined: with this one */
  receive(status: TaskStatus, oldest?: number): Outcome {
    const task = this.#tasks.know(status)
    const { sequence, agentId } = status
    if (sequence === undefined || agentId === undefined) {
      const last = task.queue.at(-1)?.status
      // What is said again while the handler is at work takes no more room.
      if (last && last.sequence === undefined && last.state === status.state)
        return { ...nothing, isNews: true }
      task.queue.push({ status, isAsked: task.isAsked })
      task.isAsked = false
      return this.#next(task)
    }
    // Without a memory of the task, those that an earlier instance has dealt with are over.
    if (task.told === undefined) task.told = task.handled = Math.min(oldest ?? sequence, sequence) - 1
    if (sequence <= task.handled)
      return { ...nothing, acknowledge: [{ taskId: task.taskId, agentId, sequence }] }
    const last = task.queue.findLast(each => each.status.sequence !== undefined)?.status.sequence
    // A repetition of what is being dealt with, or one after a loss: both are resent by the agent.
    if (sequence !== (last ?? task.told) + 1) return nothing
    task.agentId = agentId
    task.queue.push({ status, isAsked: false })
    return this.#next(task)
  }

  /** The author's handler is done. @returns what it is to be told next */
  handled({ taskId, sequence }: Acknowledgement): Outcome {
    const task = this.#tasks.get(taskId)
    if (!task) return nothing
    task.handled = Math.max(task.handled, sequence)
    return this.#next(task)
  }

  /** As if it, and those after it, had not come: the agent resends what is not acknowledged. */
  unhandled(taskId: TaskId): Outcome {
    const task = this.#tasks.get(taskId)
    if (!task) return nothing
    task.told = task.handled
    task.queue = task.queue.filter(({ status }) => status.sequence === undefined)
    task.state = undefined
    if (task.endedBy === 'agent') task.endedBy = undefined
    this.#tasks.changed(task)
    return this.#next(task)
  }

  /** What waits is told, up to the next that the handler has to be done with. */
  #next(task: KnownTask): Outcome {
    const acknowledge: Acknowledgement[] = []
    const tell: TaskStatus[] = []
    let hasReturned = false
    while (task.handled >= (task.told ?? 0)) {
      const next = task.queue.shift()
      if (!next) break
      const { status, isAsked } = next
      const { taskId, agentId, sequence } = status
      hasReturned ||= task.endedBy === 'master' && activeStates.includes(status.state)
      const isNumbered = sequence !== undefined && agentId !== undefined
      const isTold = isNumbered ? !task.endedBy || isTerminal(status.state) : isNew(task, status, isAsked)
      if (isNumbered) task.told = sequence
      if (isNumbered && !isTold) {
        // Its end has overtaken it; the agent may forget it.
        task.handled = sequence
        acknowledge.push({ taskId, agentId, sequence })
      }
      if (!isTold) continue
      tell.push(status)
      task.state = status.state
      if (isTerminal(status.state)) task.endedBy ??= isNumbered ? 'agent' : 'master'
      this.#tasks.changed(task)
    }
    return { acknowledge, tell, isNews: true, hasReturned }
  }
}

/** Whether to tell what the master says by itself. */
function isNew(task: KnownTask, { state, reason }: TaskStatus, isAsked: boolean): boolean {
  if (task.endedBy) return isAsked && isTerminal(state)
  return isAsked || reason !== 'RECONCILIATION' || state !== task.state
}
