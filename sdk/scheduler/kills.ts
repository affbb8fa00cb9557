import type { AgentId, TaskId } from '../protocol/ids.js'
import type { Reply } from '../protocol/reply.js'
import type { TaskState } from '../values/task-state.js'
import type { Millis } from '../runtime/clock.js'
import { activeStates } from './updates.js'

/** An order to end a task, as the leader is told. */
export interface KillOrder {
  readonly taskId: TaskId
  readonly agentId?: AgentId | undefined
  readonly graceMs?: number | undefined
}

interface OpenKill {
  readonly order: KillOrder
  /** The call by which it was last given, while that is not answered. */
  callId: string | undefined
  /** When it is to be given again; never, while nobody knows the task. */
  dueAtMs: Millis
  waitMs: number
}

const firstWaitMs = 5_000
const longestWaitMs = 60_000
/** So many orders are kept for tasks that nobody knows: they may come back with their agents. */
const keptIdleOrders = 10_000

/**
 * Orders to end tasks, until the tasks have ended: a leader that has taken one may die before the agent has it. They are
 * given again with every subscription, and from time to time.
 */
export class Kills {
  readonly #open = new Map<TaskId, OpenKill>()
  readonly #taskByCall = new Map<string, TaskId>()
  readonly #idle = new Set<TaskId>()

  has(taskId: TaskId): boolean {
    return this.#open.has(taskId)
  }

  /** The order is given by this call. */
  order(order: KillOrder, callId: string): void {
    this.forget(order.taskId)
    this.#open.set(order.taskId, { order, callId, dueAtMs: Infinity, waitMs: firstWaitMs })
    this.#taskByCall.set(callId, order.taskId)
  }

  /** The leader has answered a call, or never will. @returns the task, if the leader does not know it */
  answered(callId: string, reply: Reply, now: Millis): TaskId | undefined {
    const taskId = this.#taskByCall.get(callId)
    const open = taskId === undefined ? undefined : this.#open.get(taskId)
    this.#taskByCall.delete(callId)
    if (taskId === undefined || open?.callId !== callId) return undefined
    open.callId = undefined
    open.dueAtMs = now + open.waitMs
    if (reply.code === 'malformed') this.forget(taskId)
    return reply.code === 'unknown-task' ? taskId : undefined
  }

  /** While nobody knows a task, its order rests. @returns whether it is due now, because the task has turned up */
  heardOf(taskId: TaskId, state: TaskState, now: Millis): boolean {
    const open = this.#open.get(taskId)
    if (!open) return false
    if (state === 'UNKNOWN') this.#rest(taskId, open)
    if (!activeStates.includes(state) || !this.#idle.delete(taskId)) return false
    open.dueAtMs = now
    open.waitMs = firstWaitMs
    return true
  }

  /** The task has ended. */
  forget(taskId: TaskId): void {
    const open = this.#open.get(taskId)
    if (open?.callId !== undefined) this.#taskByCall.delete(open.callId)
    this.#open.delete(taskId)
    this.#idle.delete(taskId)
  }

  /** All are to be given again, to a leader that may be a new one; those of open calls are given again with these. */
  subscribed(now: Millis, isOpenCall: (callId: string) => boolean): void {
    for (const open of this.#open.values()) {
      if (open.callId !== undefined && isOpenCall(open.callId)) continue
      open.dueAtMs = now
      open.waitMs = firstWaitMs
    }
  }

  /** Orders that are to be given again, each by a call of its own. */
  due(now: Millis, nextCallId: () => string): { readonly callId: string; readonly order: KillOrder }[] {
    const due: { callId: string; order: KillOrder }[] = []
    for (const open of this.#open.values()) {
      if (now < open.dueAtMs) continue
      if (open.callId !== undefined) this.#taskByCall.delete(open.callId)
      const callId = nextCallId()
      open.callId = callId
      this.#taskByCall.set(callId, open.order.taskId)
      open.dueAtMs = now + open.waitMs
      open.waitMs = Math.min(open.waitMs * 2, longestWaitMs)
      due.push({ callId, order: open.order })
    }
    return due
  }

  #rest(taskId: TaskId, open: OpenKill): void {
    open.dueAtMs = Infinity
    this.#idle.add(taskId)
    const [oldest] = this.#idle
    if (this.#idle.size > keptIdleOrders && oldest !== undefined) this.forget(oldest)
  }
}
