import type { Millis } from '../runtime/clock.js'
import type { ErrorCode, ProtocolError } from '../protocol/errors.js'
import type { Envelope } from '../protocol/envelope.js'
import type { Demand } from '../protocol/demand.js'
import type {
  Accepted,
  FrameworkInfo,
  leaderToFramework,
  OfferConstraints,
  Operation,
  Subscribed,
} from '../protocol/framework.js'
import type { AgentId, OfferId, SessionId, TaskId } from '../protocol/ids.js'
import type { InverseOffer } from '../protocol/inverse-offer.js'
import { LinkEnd } from '../protocol/link.js'
import type { Offer } from '../protocol/offer.js'
import type { Reply } from '../protocol/reply.js'
import type { TaskStatus } from '../protocol/task.js'
import type { MessageOf } from '../protocol/codec.js'
import { isTerminal } from '../values/task-state.js'
import { Declarations, type Facts } from './declarations.js'

/** What a scheduler can ask of the leader. */
export type CallKind =
  | 'accept'
  | 'decline'
  | 'demand'
  | 'update'
  | 'answer-inverse-offers'
  | 'suppress'
  | 'unsuppress'
  | 'clear-filters'
  | 'revive'
  | 'kill'
  | 'reconcile'
  | 'teardown'

/** What a driver is told. */
export type DriverInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'call'; readonly callId: string; readonly call: CallKind; readonly body: object }
  | { readonly kind: 'message'; readonly message: MessageOf<typeof leaderToFramework> }
  | { readonly kind: 'beacon'; readonly epoch: number }
  | { readonly kind: 'bad-message'; readonly error: ProtocolError }
  /** The author's handler has dealt with an update: it may be acknowledged. */
  | {
      readonly kind: 'handled'
      readonly taskId: TaskId
      readonly agentId: AgentId
      readonly sequence: number
    }
  /** The author's handler has failed: the update is to come again. */
  | { readonly kind: 'unhandled'; readonly taskId: TaskId }
  /** A call cannot be sent, e.g. because it is too large for a message. */
  | { readonly kind: 'unsendable'; readonly callId: string; readonly message: string }
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'close' }

/** What an author hears of. */
export type DriverEvent =
  | { readonly kind: 'subscribed'; readonly epoch: number }
  | { readonly kind: 'disconnected'; readonly reason: string }
  | { readonly kind: 'offers'; readonly offers: readonly Offer[] }
  | { readonly kind: 'rescinded'; readonly offerIds: readonly OfferId[]; readonly reason: string }
  | { readonly kind: 'inverse-offers'; readonly inverseOffers: readonly InverseOffer[] }
  | {
      readonly kind: 'inverse-rescinded'
      readonly inverseOfferIds: readonly OfferId[]
      readonly reason: string
    }
  | { readonly kind: 'update'; readonly status: TaskStatus }
  /** The end: another instance took over, the framework was removed, or it was refused. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/** What a driver wants done. */
export type DriverCommand =
  | { readonly kind: 'send'; readonly envelope: Envelope }
  | { readonly kind: 'event'; readonly event: DriverEvent }
  | { readonly kind: 'settle'; readonly callId: string; readonly reply: Reply }
  | { readonly kind: 'log'; readonly level: 'debug' | 'warn'; readonly message: string }

export interface DriverSettings {
  readonly framework: FrameworkInfo
  readonly session: SessionId
  readonly startedAtMs: Millis
  readonly suppressedRoles: readonly string[]
  readonly offerConstraints?: OfferConstraints
  readonly demands?: readonly Demand[]
}

/** What the driver looks at in the body of a call. */
interface CallBody extends Partial<Facts> {
  readonly roles?: readonly string[]
  readonly offerIds?: readonly OfferId[]
  readonly operations?: readonly Operation[]
  readonly allOrNothing?: boolean
  readonly demands?: readonly Demand[]
}

interface PendingCall {
  readonly call: CallKind
  body: CallBody
  /** The offers that it answers, and that may stand on if it is refused. */
  offers: readonly Offer[]
  /** Of the offers that it answers. */
  readonly role: string
  readonly expiresAtMs: Millis
  resendAtMs: Millis
  waitMs: number
}

/** What the author has been told of a task. */
interface SeenTask {
  /** The last update that was given to the handler, and the last that the handler was done with. */
  told: number
  handled: number
  /** Those that came while the handler was at work. */
  queue: TaskStatus[]
  ended: boolean
}

/** A call that got no answer is sent again after this, doubling up to `longestResendMs`. */
const firstResendMs = 1_000
const longestResendMs = 8_000
/** Then the caller is told `timeout`; the call may or may not have been done. */
const callTimeoutMs = 60_000
/** Nothing heard of the leader for so long: subscribe again. */
const silenceMs = 10_000

/**
 * The scheduler's end of the conversation with the leader, as a machine without clock, network or chance: it keeps the
 * subscription, numbers and resends calls, puts updates in order and drops repetitions. The shell (`connect`) performs
 * its commands.
 */
export class Driver {
  readonly #settings: DriverSettings
  readonly #link: LinkEnd
  readonly #calls = new Map<string, PendingCall>()
  readonly #offers = new Map<OfferId, Offer>()
  readonly #inverseOffers = new Set<OfferId>()
  readonly #seen = new Map<TaskId, SeenTask>()
  readonly #declarations: Declarations
  #phase: 'idle' | 'subscribing' | 'subscribed' | 'failed' = 'idle'
  #epoch = 0
  #subscribeCount = 0
  #subscribe = { call: '', resendAtMs: 0, waitMs: 250 }
  #heardAtMs = 0
  #heartbeatMs = 5_000
  #heartbeatAtMs = 0

  constructor(settings: DriverSettings) {
    this.#settings = settings
    this.#link = new LinkEnd(settings.session)
    this.#declarations = new Declarations(settings, settings.demands)
  }

  /** As the leader has last taken it. */
  get framework(): FrameworkInfo {
    return this.#declarations.framework
  }

  step(input: DriverInput, now: Millis): DriverCommand[] {
    if (this.#phase === 'failed') return input.kind === 'call' ? [this.#closed(input.callId)] : []
    switch (input.kind) {
      case 'start':
        return this.#subscribeAgain(now)
      case 'call':
        return this.#call(input.callId, input.call, input.body, now)
      case 'message':
        return this.#message(input.message, now)
      case 'beacon':
        return this.#beacon(input.epoch, now)
      case 'bad-message':
        return [
          {
            kind: 'log',
            level: 'warn',
            message: `a message of the leader was refused: ${input.error.message}`,
          },
        ]
      case 'handled':
        return this.#handled(input.taskId, input.agentId, input.sequence)
      case 'unhandled':
        return this.#unhandled(input.taskId)
      case 'unsendable':
        return this.#settle(input.callId, { ok: false, code: 'malformed', message: input.message })
      case 'reconnected':
        return this.#phase === 'idle' ? [] : this.#subscribeAgain(now)
      case 'tick':
        return this.#tick(now)
      case 'close':
        return this.#phase === 'subscribed' ? [this.#send('unsubscribe', {})] : []
    }
  }

  #send(kind: string, body: unknown, call?: string): DriverCommand {
    return {
      kind: 'send',
      envelope: this.#link.wrap(kind, body, this.#epoch, call === undefined ? {} : { call }),
    }
  }

  #subscribeAgain(now: Millis): DriverCommand[] {
    this.#phase = 'subscribing'
    this.#subscribe = { call: `subscribe-${++this.#subscribeCount}`, resendAtMs: now + 250, waitMs: 250 }
    this.#heardAtMs = now
    return [this.#sendSubscribe()]
  }

  #sendSubscribe(): DriverCommand {
    const { facts, demands } = this.#declarations
    const body = {
      ...facts,
      ...(demands.length > 0 ? { demands } : {}),
      startedAtMs: this.#settings.startedAtMs,
      received: this.#link.received,
    }
    return this.#send('subscribe', body, this.#subscribe.call)
  }

  #call(callId: string, call: CallKind, asked: CallBody, now: Millis): DriverCommand[] {
    const body: CallBody = call === 'update' ? this.#completed(asked) : asked
    const isAnswer = call === 'accept' || call === 'decline'
    const offers = isAnswer ? this.#takeOffers(body.offerIds ?? []) : []
    if (asked.suppressedRoles) this.#declarations.setSuppressed(asked.suppressedRoles)
    if (call === 'suppress') this.#declarations.suppress(body.roles)
    if (call === 'unsuppress' || call === 'revive') this.#declarations.unsuppress(body.roles)
    this.#calls.set(callId, {
      call,
      body,
      offers,
      role: offers[0]?.role ?? '',
      expiresAtMs: now + callTimeoutMs,
      resendAtMs: now + firstResendMs,
      waitMs: firstResendMs,
    })
    return this.#phase === 'subscribed' ? [this.#send(call, body, callId)] : []
  }

  /** On top of an earlier update that is not answered yet. */
  #completed(changes: CallBody): Facts {
    const earlier = [...this.#calls.values()].findLast(({ call }) => call === 'update')?.body
    return this.#declarations.completed(changes, earlier)
  }

  #takeOffers(offerIds: readonly OfferId[]): Offer[] {
    const taken: Offer[] = []
    for (const id of offerIds) {
      const offer = this.#offers.get(id)
      if (offer && this.#offers.delete(id)) taken.push(offer)
    }
    return taken
  }

  #message(message: MessageOf<typeof leaderToFramework>, now: Millis): DriverCommand[] {
    const isForAnother = message.to !== undefined && message.to !== this.#settings.session
    if (message.epoch < this.#epoch || isForAnother) return []
    this.#epoch = message.epoch
    this.#heardAtMs = now
    const arrival = this.#link.arrive(message)
    if (arrival === 'repeated') return []
    const missed = arrival === 'gap' || (arrival === 'new-session' && message.sequence !== 1)
    const commands = this.#body(message, now)
    if (missed && this.#phase === 'subscribed') {
      commands.push({
        kind: 'log',
        level: 'debug',
        message: 'messages of the leader were lost; subscribing again',
      })
      commands.push(...this.#subscribeAgain(now))
    }
    return commands
  }

  #body(message: MessageOf<typeof leaderToFramework>, now: Millis): DriverCommand[] {
    switch (message.kind) {
      case 'reply':
        return message.call === this.#subscribe.call
          ? this.#subscribed(message.body, now)
          : this.#settle(message.call ?? '', message.body)
      case 'offers':
        return this.#offered(message.body.offers)
      case 'rescind':
        return this.#rescinded(message.body.offerIds, message.body.reason)
      case 'update':
        return this.#update(message.body.status)
      case 'failed':
        return this.#fail(message.body.code, message.body.message)
      case 'resynchronise':
        return this.#phase === 'subscribed' ? this.#subscribeAgain(now) : []
      case 'inverse-offers':
        return this.#inverseOffered(message.body.inverseOffers)
      case 'rescind-inverse-offers':
        return this.#inverseRescinded(message.body.inverseOfferIds, message.body.reason)
    }
  }

  #subscribed(reply: Reply, now: Millis): DriverCommand[] {
    if (this.#phase !== 'subscribing') return []
    if (!reply.ok) {
      // The registry may come back; anything else will not become right by asking again.
      if (reply.code === 'registry-unavailable' || reply.code === 'not-leader') return []
      return this.#fail(reply.code ?? 'invalid-framework', reply.message ?? 'the subscription was refused')
    }
    this.#phase = 'subscribed'
    this.#heartbeatMs = (reply.result as Subscribed).heartbeatMs
    this.#heartbeatAtMs = now + this.#heartbeatMs
    // Offers of before are void, with the old leader or with the old subscription.
    const reason = 'subscribed again'
    const commands = this.#rescinded([...this.#offers.keys()], reason)
    commands.push(...this.#inverseRescinded([...this.#inverseOffers], reason))
    for (const pending of this.#calls.values()) pending.offers = []
    commands.push({ kind: 'event', event: { kind: 'subscribed', epoch: this.#epoch } })
    for (const [callId, pending] of this.#calls) commands.push(this.#send(pending.call, pending.body, callId))
    commands.push(
      this.#send('reconcile', { tasks: [] }, `${this.#settings.session}-reconcile-${this.#subscribeCount}`),
    )
    return commands
  }

  #settle(callId: string, reply: Reply): DriverCommand[] {
    const pending = this.#calls.get(callId)
    if (!pending) return []
    // Subscribed again meanwhile, or soon: the call is sent anew then.
    if (!reply.ok && reply.code === 'not-subscribed') return []
    const overtaken = reply.ok ? this.#overtaken(callId, pending) : []
    this.#calls.delete(callId)
    this.#remember(pending, reply)
    return [...overtaken, { kind: 'settle', callId, reply }]
  }

  /** What must hold again after the next subscription: not before the leader has taken it, so that this cannot fail. */
  #remember({ call, body, role, offers }: PendingCall, { ok, code, result }: Reply): void {
    const tasks = call === 'accept' && ok ? (result as Accepted).tasks : []
    const operations = call === 'accept' && ok ? ((result as Accepted).operations ?? []) : []
    const isRefused = body.allOrNothing === true && !(ok && [...tasks, ...operations].every(each => each.ok))
    if (isRefused || code === 'malformed') for (const offer of offers) this.#offers.set(offer.offerId, offer)
    if (call === 'update' && ok && body.framework)
      this.#declarations.update({ ...body, framework: body.framework })
    if (call === 'update') this.#declarations.keepSuppressed()
    if (!ok) return
    const launched = new Set(tasks.filter(task => task.ok).map(({ taskId }) => taskId))
    const wanted = (body.operations ?? []).flatMap(operation => operation.tasks ?? [])
    this.#declarations.launched(
      role,
      wanted.filter(({ taskId }) => launched.has(taskId)),
    )
    // What an accept declares is what is wanted when it is done.
    this.#declarations.demand(body.demands ?? [])
  }

  /** An earlier declaration that has had no answer yet must not be sent again: it would come after this newer one. */
  #overtaken(callId: string, { call, body }: PendingCall): DriverCommand[] {
    const roles = new Set(body.demands?.map(({ role }) => role))
    const commands: DriverCommand[] = []
    if (call !== 'update' && roles.size === 0) return commands
    for (const [earlierId, earlier] of this.#calls) {
      if (earlierId === callId) break
      const demands = earlier.body.demands?.filter(({ role }) => !roles.has(role))
      if (demands) earlier.body = { ...earlier.body, demands }
      const isVoid =
        earlier.call === 'update' ? call === 'update' : earlier.call === 'demand' && !demands?.length
      if (!isVoid) continue
      this.#calls.delete(earlierId)
      commands.push({ kind: 'settle', callId: earlierId, reply: { ok: true } })
    }
    return commands
  }

  #offered(offers: readonly Offer[]): DriverCommand[] {
    if (this.#phase !== 'subscribed') return []
    for (const offer of offers) this.#offers.set(offer.offerId, offer)
    return [{ kind: 'event', event: { kind: 'offers', offers } }]
  }

  #rescinded(offerIds: readonly OfferId[], reason: string): DriverCommand[] {
    for (const pending of this.#calls.values())
      pending.offers = pending.offers.filter(({ offerId }) => !offerIds.includes(offerId))
    const known = offerIds.filter(id => this.#offers.delete(id))
    return known.length > 0 ? [{ kind: 'event', event: { kind: 'rescinded', offerIds: known, reason } }] : []
  }

  #inverseOffered(inverseOffers: readonly InverseOffer[]): DriverCommand[] {
    if (this.#phase !== 'subscribed') return []
    for (const { inverseOfferId } of inverseOffers) this.#inverseOffers.add(inverseOfferId)
    return [{ kind: 'event', event: { kind: 'inverse-offers', inverseOffers } }]
  }

  /** Also when it has been answered: the request is taken back. */
  #inverseRescinded(inverseOfferIds: readonly OfferId[], reason: string): DriverCommand[] {
    const known = inverseOfferIds.filter(id => this.#inverseOffers.delete(id))
    if (known.length === 0) return []
    return [{ kind: 'event', event: { kind: 'inverse-rescinded', inverseOfferIds: known, reason } }]
  }

  /** At least once from the master; to the author exactly once, in order, and one after the other. */
  #update(status: TaskStatus): DriverCommand[] {
    const { taskId, agentId, sequence } = status
    if (sequence === undefined || agentId === undefined) return [updateEvent(status)]
    const seen = this.#seen.get(taskId)
    if (!seen) {
      // Without a memory of the task, any update will do as the first.
      this.#seen.set(taskId, {
        told: sequence,
        handled: sequence - 1,
        queue: [],
        ended: isTerminal(status.state),
      })
      return [updateEvent(status)]
    }
    if (sequence <= seen.handled) return [this.#send('acknowledge', { taskId, agentId, sequence })]
    const last = seen.queue.at(-1)?.sequence ?? seen.told
    // A repetition of what is being dealt with, or one after a loss: both are resent by the agent.
    if (sequence !== last + 1) return []
    seen.ended = isTerminal(status.state)
    if (seen.handled < seen.told) {
      seen.queue.push(status)
      return []
    }
    seen.told = sequence
    return [updateEvent(status)]
  }

  #handled(taskId: TaskId, agentId: AgentId, sequence: number): DriverCommand[] {
    const commands =
      this.#phase === 'subscribed' ? [this.#send('acknowledge', { taskId, agentId, sequence })] : []
    const seen = this.#seen.get(taskId)
    if (!seen) return commands
    seen.handled = Math.max(seen.handled, sequence)
    const next = seen.queue.shift()
    if (next?.sequence === undefined) {
      this.#forgetOldTasks()
      return commands
    }
    seen.told = next.sequence
    return [...commands, updateEvent(next)]
  }

  /** As if it, and those after it, had not come: the agent resends what is not acknowledged. */
  #unhandled(taskId: TaskId): DriverCommand[] {
    const seen = this.#seen.get(taskId)
    if (!seen) return []
    seen.told = seen.handled
    seen.queue = []
    return []
  }

  /** Ended tasks are kept for a while, so that an update that is resent meanwhile is known as a repetition. */
  #forgetOldTasks(): void {
    const keptTasks = 10_000
    if (this.#seen.size <= 2 * keptTasks) return
    for (const [taskId, task] of this.#seen) {
      if (this.#seen.size <= keptTasks) break
      if (task.ended && task.handled >= task.told) this.#seen.delete(taskId)
    }
  }

  #beacon(epoch: number, now: Millis): DriverCommand[] {
    if (epoch < this.#epoch) return []
    this.#heardAtMs = now
    if (epoch === this.#epoch || this.#phase === 'idle') return []
    this.#epoch = epoch
    const reason = 'another master leads now'
    const commands: DriverCommand[] =
      this.#phase === 'subscribed' ? [{ kind: 'event', event: { kind: 'disconnected', reason } }] : []
    return [...commands, ...this.#subscribeAgain(now)]
  }

  #tick(now: Millis): DriverCommand[] {
    const commands = this.#expireCalls(now)
    if (this.#phase === 'subscribing' && now >= this.#subscribe.resendAtMs) {
      const waitMs = Math.min(this.#subscribe.waitMs * 2, longestResendMs)
      this.#subscribe = { ...this.#subscribe, resendAtMs: now + waitMs, waitMs }
      commands.push(this.#sendSubscribe())
    }
    if (this.#phase !== 'subscribed') return commands
    if (now >= this.#heardAtMs + silenceMs) {
      commands.push({
        kind: 'event',
        event: { kind: 'disconnected', reason: `no leader heard for ${silenceMs} ms` },
      })
      commands.push(...this.#subscribeAgain(now))
      return commands
    }
    for (const [callId, pending] of this.#calls) {
      if (now < pending.resendAtMs) continue
      pending.waitMs = Math.min(pending.waitMs * 2, longestResendMs)
      pending.resendAtMs = now + pending.waitMs
      commands.push(this.#send(pending.call, pending.body, callId))
    }
    if (now >= this.#heartbeatAtMs) {
      this.#heartbeatAtMs = now + this.#heartbeatMs
      commands.push(this.#send('heartbeat', { received: this.#link.received }))
    }
    return commands
  }

  #expireCalls(now: Millis): DriverCommand[] {
    const commands: DriverCommand[] = []
    for (const [callId, pending] of this.#calls) {
      if (now < pending.expiresAtMs) continue
      this.#calls.delete(callId)
      const message = `${pending.call} got no answer within ${callTimeoutMs} ms; it may or may not have been done`
      commands.push({ kind: 'settle', callId, reply: { ok: false, code: 'timeout', message } })
    }
    return commands
  }

  #fail(code: ErrorCode, message: string): DriverCommand[] {
    this.#phase = 'failed'
    const settled = [...this.#calls.keys()].map(callId => this.#closed(callId))
    this.#calls.clear()
    return [...settled, { kind: 'event', event: { kind: 'failed', code, message } }]
  }

  #closed(callId: string): DriverCommand {
    return {
      kind: 'settle',
      callId,
      reply: { ok: false, code: 'closed', message: 'the subscription has ended' },
    }
  }
}

function updateEvent(status: TaskStatus): DriverCommand {
  return { kind: 'event', event: { kind: 'update', status } }
}
