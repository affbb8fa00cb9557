import type { TaskId } from '../protocol/ids.js'
import type { Millis } from '../runtime/clock.js'
import type { TaskPlace } from './driver-types.js'

const firstWaitMs = 2_000
const longestWaitMs = 60_000
/** All is asked for again, in case something was missed that nobody noticed (Mesos advises as much). */
const roundMs = 15 * 60_000
/** One call is one message, which NATS limits to 1 MB. */
const maxTasksPerCall = 4_000
const maxTextPerCall = 400_000

interface OpenTask {
  readonly place: TaskPlace
  askAtMs: Millis
  waitMs: number
}

/**
 * Which tasks the leader has to be asked for by name. It says nothing of a task while its agent may still come back and
 * tell: so each is asked for again, ever less often, until it was heard of.
 */
export class Reconciliation {
  readonly #open = new Map<TaskId, OpenTask>()
  #roundAtMs: Millis = Infinity

  /** The leader is asked for all that it knows. These are asked for by name if it does not name them soon. */
  begin(tasks: readonly TaskPlace[], now: Millis): void {
    this.#open.clear()
    this.#roundAtMs = now + roundMs
    for (const task of tasks) this.expect(task, now)
  }

  isRoundDue(now: Millis): boolean {
    return now >= this.#roundAtMs
  }

  /** This one is to be asked for, too. */
  add({ taskId, agentId }: TaskPlace, askAtMs: Millis, waitMs = firstWaitMs): void {
    const place = { taskId, ...(agentId === undefined ? {} : { agentId }) }
    this.#open.set(taskId, { place, askAtMs, waitMs })
  }

  /** The author is asking for this one: it is asked for again, should the leader say nothing. */
  expect(task: TaskPlace, now: Millis): void {
    this.add(task, now + firstWaitMs)
  }

  heardOf(taskId: TaskId): void {
    this.#open.delete(taskId)
  }

  /** Its agent is silent: should that come back without it, nobody would say so unless asked. */
  unreachable(task: TaskPlace, now: Millis): void {
    this.add(task, now + longestWaitMs, longestWaitMs)
  }

  /** The leader has named all that it knows: the rest need not wait any longer. */
  allNamed(now: Millis): void {
    for (const open of this.#open.values()) if (open.waitMs === firstWaitMs) open.askAtMs = now
  }

  /** Those to ask for now, as many lists as calls are needed. */
  due(now: Millis): TaskPlace[][] {
    const calls: TaskPlace[][] = []
    let text = 0
    for (const open of this.#open.values()) {
      if (now < open.askAtMs) continue
      open.askAtMs = now + open.waitMs
      open.waitMs = Math.min(open.waitMs * 2, longestWaitMs)
      const { taskId, agentId = '' } = open.place
      text += taskId.length + agentId.length
      const call = calls.at(-1)
      if (call && call.length < maxTasksPerCall && text <= maxTextPerCall) {
        call.push(open.place)
        continue
      }
      calls.push([open.place])
      text = taskId.length + agentId.length
    }
    return calls
  }
}
