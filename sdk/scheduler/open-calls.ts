import type { Demand } from '../protocol/demand.js'
import type { Operation } from '../protocol/framework.js'
import type { AgentId, OfferId, TaskId } from '../protocol/ids.js'
import type { Offer } from '../protocol/offer.js'
import type { TaskInfo } from '../protocol/task.js'
import type { Millis } from '../runtime/clock.js'
import type { Facts } from './declarations.js'
import type { CallKind, TaskPlace } from './driver-types.js'

/** What the driver looks at in the body of a call. */
export interface CallBody extends Partial<Facts> {
  readonly roles?: readonly string[]
  readonly offerIds?: readonly OfferId[]
  readonly operations?: readonly Operation[]
  readonly allOrNothing?: boolean
  readonly demands?: readonly Demand[]
  readonly agentId?: AgentId
  readonly taskId?: TaskId
  readonly graceMs?: number
  readonly tasks?: readonly TaskPlace[]
}

/** A call that the leader has not answered. */
export interface OpenCall {
  readonly call: CallKind
  body: CallBody
  /** The offers that it answers, and that may stand on if it is refused. */
  offers: readonly Offer[]
  /** Of the offers that it answers. */
  readonly role: string
  /** The count of the subscription with which it was first sent; undefined before that. */
  sentWith: number | undefined
  readonly expiresAtMs: Millis
  resendAtMs: Millis
  waitMs: number
}

/** A call that got no answer is sent again after this, doubling up to `longestResendMs`. */
const firstResendMs = 1_000
const longestResendMs = 8_000
/** Then the caller is told `timeout`; the call may or may not have been done. */
export const callTimeoutMs = 60_000

/** The author's calls, in their order, until each is answered or given up. */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>()

  add(
    callId: string,
    call: Pick<OpenCall, 'call' | 'body' | 'offers' | 'role' | 'sentWith'>,
    now: Millis,
  ): void {
    const times = { expiresAtMs: now + callTimeoutMs, resendAtMs: now + firstResendMs, waitMs: firstResendMs }
    this.#calls.set(callId, { ...call, ...times })
  }

  get(callId: string): OpenCall | undefined {
    return this.#calls.get(callId)
  }

  has(callId: string): boolean {
    return this.#calls.has(callId)
  }

  all(): [callId: string, open: OpenCall][] {
    return [...this.#calls]
  }

  delete(callId: string): void {
    this.#calls.delete(callId)
  }

  /** The body of the last update of the framework's facts that is not answered yet. */
  get lastUpdate(): CallBody | undefined {
    return [...this.#calls.values()].findLast(({ call }) => call === 'update')?.body
  }

  /** Roles whose demand is declared by a call that is not answered yet. */
  get declaredRoles(): ReadonlySet<string> {
    return new Set(
      [...this.#calls.values()].flatMap(({ body }) => body.demands?.map(({ role }) => role) ?? []),
    )
  }

  /** These offers have ended: they do not stand on whatever the answer. */
  offersEnded(offerIds?: readonly OfferId[]): void {
    for (const open of this.#calls.values())
      open.offers = offerIds ? open.offers.filter(({ offerId }) => !offerIds.includes(offerId)) : []
  }

  /** Those that are to be sent again. */
  due(now: Millis): [callId: string, open: OpenCall][] {
    const due = this.all().filter(([, open]) => now >= open.resendAtMs)
    for (const [, open] of due) {
      open.waitMs = Math.min(open.waitMs * 2, longestResendMs)
      open.resendAtMs = now + open.waitMs
    }
    return due
  }

  expired(now: Millis): [callId: string, open: OpenCall][] {
    return this.all().filter(([, open]) => now >= open.expiresAtMs)
  }

  /**
   * An earlier declaration that has had no answer yet must not be sent again: it would come after this newer one.
   *
   * @returns those that are void; of others, what is overtaken is taken out
   */
  overtakenBy(callId: string, { call, body }: OpenCall): string[] {
    const roles = new Set(body.demands?.map(({ role }) => role))
    if (call !== 'update' && roles.size === 0) return []
    const overtaken: string[] = []
    for (const [earlierId, earlier] of this.#calls) {
      if (earlierId === callId) break
      const demands = earlier.body.demands?.filter(({ role }) => !roles.has(role))
      if (demands) earlier.body = { ...earlier.body, demands }
      const isVoid =
        earlier.call === 'update' ? call === 'update' : earlier.call === 'demand' && !demands?.length
      if (isVoid) overtaken.push(earlierId)
    }
    for (const earlierId of overtaken) this.#calls.delete(earlierId)
    return overtaken
  }
}

/** The tasks that an accept is to launch. */
export function tasksOf({ operations = [] }: CallBody): TaskInfo[] {
  return operations.flatMap(operation => operation.tasks ?? [])
}
