import type { Accepted, leaderToFramework } from '../protocol/framework.js'
import type { SessionId, TaskId } from '../protocol/ids.js'
import type { Reply } from '../protocol/reply.js'
import type { Infer } from '../protocol/schema.js'
import type { TaskStatus } from '../protocol/task.js'
import type { Millis } from '../runtime/clock.js'
import { isTerminal } from '../values/task-state.js'
import type { CallKind, TaskPlace } from './driver-types.js'
import { type KillOrder, Kills } from './kills.js'
import { type CallBody, tasksOf } from './open-calls.js'
import { Reconciliation } from './reconciliation.js'
import { Tasks } from './tasks.js'
import { type Acknowledgement, type Outcome, Updates } from './updates.js'

type Update = Infer<typeof leaderToFramework.update>

/** What is to be said about tasks: to the leader while there is a subscription, to the author at once. */
export type CareAction =
  | { readonly kind: 'send'; readonly what: string; readonly body: object; readonly callId?: string }
  | { readonly kind: 'tell'; readonly status: TaskStatus }

/**
 * Looks after the author's tasks: that updates come in order and are acknowledged, that kills are followed, and that
 * nothing is left unknown.
 */
export class TaskCare {
  readonly #session: SessionId
  readonly #tasks = new Tasks()
  readonly #updates = new Updates(this.#tasks)
  readonly #kills = new Kills()
  readonly #reconciliation = new Reconciliation()
  #roundCount = 0
  #callCount = 0
  #roundCall = ''

  constructor(session: SessionId) {
    this.#session = session
  }

  /** A leader has taken the subscription; calls that are open are given to it by themselves. */
  subscribed(now: Millis, isOpenCall: (callId: string) => boolean): CareAction[] {
    this.#kills.subscribed(now, isOpenCall)
    return [...this.#killDue(now), this.#askForAll(now)]
  }

  tick(now: Millis): CareAction[] {
    const round = this.#reconciliation.isRoundDue(now) ? [this.#askForAll(now)] : []
    return [...round, ...this.#killDue(now), ...this.#askDue(now)]
  }

  /** The author makes a call about tasks. */
  called(callId: string, call: CallKind, body: CallBody, now: Millis): void {
    const { taskId, agentId, graceMs } = body
    if (call === 'accept') for (const task of tasksOf(body)) this.#tasks.launching({ ...task, agentId })
    if (call === 'kill' && taskId !== undefined) {
      const task = this.#tasks.get(taskId)
      // The leader says its last state once more.
      if (task?.endedBy) task.isAsked = true
      this.#kills.order({ taskId, agentId: agentId ?? task?.agentId, graceMs }, callId)
    }
    if (call === 'reconcile') this.#authorAsks(body.tasks ?? [], now)
  }

  /** A call of the author or of ours was answered, or is given up. */
  answered(callId: string, reply: Reply, now: Millis): CareAction[] {
    if (callId === this.#roundCall) {
      // Its states came before this: whoever is missing may be asked for by name.
      this.#reconciliation.allNamed(now)
      return this.#askDue(now)
    }
    const unknown = this.#kills.answered(callId, reply, now)
    if (unknown === undefined) return []
    const task = this.#tasks.know({ taskId: unknown })
    if (task.endedBy) this.#kills.forget(unknown)
    else if (!task.isPending) this.#reconciliation.add(task, now)
    return this.#askDue(now)
  }

  /**
   * A new leader knows of the accepts of the one before by what runs. Of a task that has run already and is forgotten it
   * says that it never did; who has heard of the task knows better.
   */
  completed(reply: Reply): Reply {
    if (!reply.ok) return reply
    const result = reply.result as Accepted
    const tasks = result.tasks.map(each => {
      const hasRun = each.code === 'stale-offer' && this.#tasks.get(each.taskId)?.endedBy === 'agent'
      return hasRun ? { taskId: each.taskId, ok: true } : each
    })
    return { ...reply, result: { ...result, tasks } }
  }

  /** What became of an accept. */
  accepted(body: CallBody, { ok, code, result }: Reply, now: Millis): CareAction[] {
    const results = ok ? (result as Accepted).tasks : []
    const launched = new Set(results.filter(each => each.ok).map(({ taskId }) => taskId))
    const otherwise = code === 'timeout' ? 'unknown' : 'refused'
    for (const { taskId } of tasksOf(body)) {
      const task = this.#tasks.settle(taskId, launched.has(taskId) ? 'launched' : otherwise)
      if (!task) this.#kills.forget(taskId)
      else if (otherwise === 'unknown') this.#reconciliation.add(task, now)
    }
    return otherwise === 'unknown' ? this.#askDue(now) : []
  }

  /** @param update with the number of the first that nobody has acknowledged, where that is not this one */
  status({ status, oldest }: Update, now: Millis): CareAction[] {
    const { taskId, state, reason } = status
    const outcome = this.#updates.receive(status, oldest)
    const isOpen = state === 'UNREACHABLE' && reason === 'RECONCILIATION' && !this.#tasks.get(taskId)?.endedBy
    if (isOpen) this.#reconciliation.unreachable(status, now)
    else if (outcome.isNews) this.#reconciliation.heardOf(taskId)
    if (isTerminal(state)) this.#kills.forget(taskId)
    const isDue = this.#kills.heardOf(taskId, state, now)
    return [...this.#actions(taskId, outcome), ...(isDue ? this.#killDue(now) : [])]
  }

  handled(done: Acknowledgement): CareAction[] {
    const { taskId, agentId, sequence } = done
    return [
      { kind: 'send', what: 'acknowledge', body: { taskId, agentId, sequence } },
      ...this.#actions(taskId, this.#updates.handled(done)),
    ]
  }

  unhandled(taskId: TaskId): CareAction[] {
    return this.#actions(taskId, this.#updates.unhandled(taskId))
  }

  #authorAsks(tasks: readonly TaskPlace[], now: Millis): void {
    if (tasks.length === 0) for (const task of this.#tasks.live()) task.isAsked = true
    for (const place of tasks) {
      const task = this.#tasks.know(place)
      task.isAsked = true
      // Of one whose accept is under way nothing is known yet; the author's own question is enough.
      if (!task.isPending) this.#reconciliation.expect(place, now)
    }
  }

  #askForAll(now: Millis): CareAction {
    this.#reconciliation.begin(this.#tasks.live(), now)
    this.#roundCall = `${this.#session}-reconcile-${++this.#roundCount}`
    return { kind: 'send', what: 'reconcile', body: { tasks: [] }, callId: this.#roundCall }
  }

  #askDue(now: Millis): CareAction[] {
    return this.#reconciliation
      .due(now)
      .map(tasks => ({ kind: 'send', what: 'reconcile', body: { tasks }, callId: this.#nextCallId() }))
  }

  #killDue(now: Millis): CareAction[] {
    return this.#kills
      .due(now, () => this.#nextCallId())
      .map(({ callId, order }) => ({ kind: 'send', what: 'kill', body: this.#bodyOf(order), callId }))
  }

  #bodyOf({ taskId, agentId, graceMs }: KillOrder): object {
    const place = agentId ?? this.#tasks.get(taskId)?.agentId
    return {
      taskId,
      ...(place === undefined ? {} : { agentId: place }),
      ...(graceMs === undefined ? {} : { graceMs }),
    }
  }

  #actions(taskId: TaskId, { acknowledge, tell, hasReturned }: Outcome): CareAction[] {
    const actions: CareAction[] = acknowledge.map(body => ({ kind: 'send', what: 'acknowledge', body }))
    for (const status of tell) actions.push({ kind: 'tell', status })
    if (!hasReturned || this.#kills.has(taskId)) return actions
    const callId = this.#nextCallId()
    const order = { taskId, agentId: this.#tasks.get(taskId)?.agentId }
    this.#kills.order(order, callId)
    return [...actions, { kind: 'send', what: 'kill', body: this.#bodyOf(order), callId }]
  }

  /** Unlike those of the author's calls, and of an earlier instance, which the leader may still remember. */
  #nextCallId(): string {
    return `${this.#session}-own-${++this.#callCount}`
  }
}
