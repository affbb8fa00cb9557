import type { AgentId, TaskId } from '../protocol/ids.js'
import type { TaskStatus } from '../protocol/task.js'
import type { TaskState } from '../values/task-state.js'
import type { TaskPlace } from './driver-types.js'

/** So many tasks that have ended, or that nobody knows, are kept, so that what comes late is known as such. */
const keptEndedTasks = 10_000

/** What the driver knows of one task. */
export interface KnownTask {
  readonly taskId: TaskId
  agentId: AgentId | undefined
  /** As the author was last told; undefined before anything was told. */
  state: TaskState | undefined
  /** Who has said that it ended: the agent by a numbered update, or the master by itself. */
  endedBy: 'agent' | 'master' | undefined
  /** The last update that was given to the handler; undefined when any may be the first. */
  told: number | undefined
  /** The last that the handler was done with. */
  handled: number
  /** What came while the handler was at work. */
  queue: QueuedStatus[]
  /** The author has asked for its state: it is told although it is the same. */
  isAsked: boolean
  /** Its accept has not been answered: nobody is asked about it before. */
  isPending: boolean
}

export interface QueuedStatus {
  readonly status: TaskStatus
  readonly isAsked: boolean
}

/** The tasks that the author may count on: those that were launched or heard of, or that the author has named. */
export class Tasks {
  readonly #tasks = new Map<TaskId, KnownTask>()
  /** Those that need not be kept, the oldest first. */
  readonly #over = new Set<TaskId>()

  get(taskId: TaskId): KnownTask | undefined {
    return this.#tasks.get(taskId)
  }

  /** As known, or new. */
  know({ taskId, agentId }: TaskPlace): KnownTask {
    const known = this.#tasks.get(taskId)
    if (known) {
      known.agentId ??= agentId
      return known
    }
    const task: KnownTask = {
      taskId,
      agentId,
      state: undefined,
      endedBy: undefined,
      told: undefined,
      handled: 0,
      queue: [],
      isAsked: false,
      isPending: false,
    }
    this.#tasks.set(taskId, task)
    return task
  }

  /** It is in an accept that is on its way. One that is new has its updates from the first on. */
  launching(place: TaskPlace): void {
    if (this.#tasks.has(place.taskId)) return
    const task = this.know(place)
    task.told = 0
    task.isPending = true
  }

  /** Its accept was answered, or never will be. @returns the task, unless there never was one */
  settle(taskId: TaskId, outcome: 'launched' | 'refused' | 'unknown'): KnownTask | undefined {
    const task = this.#tasks.get(taskId)
    if (!task?.isPending) return task
    task.isPending = false
    if (outcome !== 'refused' || task.state !== undefined) return task
    this.#tasks.delete(taskId)
    return undefined
  }

  /** Those that may be running, as far as is known. */
  live(): KnownTask[] {
    return [...this.#tasks.values()].filter(task => !task.endedBy && !task.isPending)
  }

  /** To be called when the state of a task has changed, so that memory stays bounded. */
  changed(task: KnownTask): void {
    this.#over.delete(task.taskId)
    if (!task.endedBy && task.state !== 'UNKNOWN') return
    this.#over.add(task.taskId)
    if (this.#over.size <= keptEndedTasks) return
    for (const taskId of this.#over) {
      const over = this.#tasks.get(taskId)
      const isAtWork = over !== undefined && over.told !== undefined && over.handled < over.told
      if (isAtWork) continue
      this.#over.delete(taskId)
      this.#tasks.delete(taskId)
      return
    }
  }
}
