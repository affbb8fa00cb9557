import type { AgentId, Millis, TaskId } from '@tender/sdk'
import type { Command } from './commands.js'

/** The leader says nothing of a task while its agent may still come back and tell: it is asked again after this. */
const askAgainAfterMs = 5_000
/** One call is one message, which NATS limits to 1 MB. */
const maxTasksPerCall = 4_000

interface KnownTask {
  readonly taskId: TaskId
  readonly agentId: AgentId
}

/** Asks for the states of tasks, by name, and again until every one of them was heard of. */
export class Reconciliation {
  readonly #open = new Map<TaskId, KnownTask>()
  #askAgainAtMs: Millis = 0

  ask(tasks: readonly KnownTask[], now: Millis): Command[] {
    for (const { taskId, agentId } of tasks) this.#open.set(taskId, { taskId, agentId })
    this.#askAgainAtMs = now + askAgainAfterMs
    return callsFor(tasks)
  }

  heardOf(taskId: TaskId): void {
    this.#open.delete(taskId)
  }

  /** Asks again, where that is due. */
  tick(now: Millis): Command[] {
    return this.#open.size > 0 && now >= this.#askAgainAtMs ? this.ask([...this.#open.values()], now) : []
  }
}

function callsFor(tasks: readonly KnownTask[]): Command[] {
  const calls: Command[] = []
  for (let from = 0; from < tasks.length; from += maxTasksPerCall) {
    const some = tasks.slice(from, from + maxTasksPerCall)
    calls.push({ kind: 'reconcile', tasks: some.map(({ taskId, agentId }) => ({ taskId, agentId })) })
  }
  return calls
}
