import type { AgentId, FrameworkId } from '@tender/sdk/protocol'
import type { Task, TaskKey } from './state.js'

/** The tasks that have not ended, by key, in the order in which they came; also by agent and by framework. */
export class TaskBook {
  readonly #tasks = new Map<TaskKey, Task>()
  readonly #byAgent = new Map<AgentId, Set<Task>>()
  readonly #byFramework = new Map<FrameworkId, Set<Task>>()

  get size(): number {
    return this.#tasks.size
  }

  get(key: TaskKey): Task | undefined {
    return this.#tasks.get(key)
  }

  has(key: TaskKey): boolean {
    return this.#tasks.has(key)
  }

  values(): Iterable<Task> {
    return this.#tasks.values()
  }

  /** As they are now: what ends while one goes through them is in it. */
  ofAgent(agentId: AgentId): readonly Task[] {
    return [...(this.#byAgent.get(agentId) ?? [])]
  }

  /** As they are now. */
  ofFramework(frameworkId: FrameworkId): readonly Task[] {
    return [...(this.#byFramework.get(frameworkId) ?? [])]
  }

  countOfAgent(agentId: AgentId): number {
    return this.#byAgent.get(agentId)?.size ?? 0
  }

  countOfFramework(frameworkId: FrameworkId): number {
    return this.#byFramework.get(frameworkId)?.size ?? 0
  }

  add(task: Task): void {
    this.#tasks.set(task.key, task)
    addTo(this.#byAgent, task.agentId, task)
    addTo(this.#byFramework, task.frameworkId, task)
  }

  delete(task: Task): void {
    this.#tasks.delete(task.key)
    removeFrom(this.#byAgent, task.agentId, task)
    removeFrom(this.#byFramework, task.frameworkId, task)
  }
}

function addTo(index: Map<string, Set<Task>>, id: string, task: Task): void {
  const tasks = index.get(id)
  if (tasks) tasks.add(task)
  else index.set(id, new Set([task]))
}

function removeFrom(index: Map<string, Set<Task>>, id: string, task: Task): void {
  const tasks = index.get(id)
  tasks?.delete(task)
  if (tasks?.size === 0) index.delete(id)
}
