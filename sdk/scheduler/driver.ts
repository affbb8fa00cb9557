import type { MessageOf } from '../protocol/codec.js'
import { oldestProtocolVersion, protocolVersion } from '../protocol/envelope.js'
import type { ErrorCode } from '../protocol/errors.js'
import type { Accepted, FrameworkInfo, leaderToFramework, Subscribed } from '../protocol/framework.js'
import type { OfferId } from '../protocol/ids.js'
import type { InverseOffer } from '../protocol/inverse-offer.js'
import { LinkEnd } from '../protocol/link.js'
import type { Offer } from '../protocol/offer.js'
import type { Reply } from '../protocol/reply.js'
import type { Millis } from '../runtime/clock.js'
import { Declarations } from './declarations.js'
import type { CallKind, DriverCommand, DriverEvent, DriverInput, DriverSettings } from './driver-types.js'
import { HeldOffers } from './held-offers.js'
import { type CallBody, callTimeoutMs, type OpenCall, OpenCalls, tasksOf } from './open-calls.js'
import { spreadMs } from './spread.js'
import { type CareAction, TaskCare } from './task-care.js'

export type * from './driver-types.js'

/** Nothing heard of the leader for so long: subscribe again. */
const silenceMs = 10_000
/** A subscription that got no answer is asked for again after this, doubling up to `longestSubscribeMs`. */
const firstSubscribeMs = 250
const longestSubscribeMs = 8_000
/** After a change of the leader, frameworks spread their subscriptions over this. */
const subscribeWithinMs = 250

/**
 * The scheduler's end of the conversation with the leader, as a machine without clock, network or chance: it keeps the
 * subscription, numbers and resends calls, and lets `TaskCare` look after tasks. The shell (`connect`) performs its
 * commands.
 */
export class Driver {
  readonly #settings: DriverSettings
  readonly #link: LinkEnd
  readonly #calls = new OpenCalls()
  readonly #offers = new HeldOffers()
  readonly #tasks: TaskCare
  readonly #declarations: Declarations
  #phase: 'idle' | 'subscribing' | 'subscribed' | 'failed' = 'idle'
  #epoch = 0
  #subscribeCount = 0
  #subscribe = { call: '', resendAtMs: 0, waitMs: firstSubscribeMs }
  #againCount = 0
  /** Answered after the subscription that is open was sent: it says what held before. */
  #answeredMeanwhile: OpenCall[] = []
  #heardAtMs = 0
  #heartbeatMs = 5_000
  #heartbeatAtMs = 0

  constructor(settings: DriverSettings) {
    this.#settings = settings
    this.#link = new LinkEnd(settings.session)
    this.#tasks = new TaskCare(settings.session)
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
        return [log('warn', `a message of the leader was refused: ${input.error.message}`)]
      case 'handled':
        return this.#perform(this.#tasks.handled(input))
      case 'unhandled':
        return this.#perform(this.#tasks.unhandled(input.taskId))
      case 'unsendable':
        return this.#settle(input.callId, { ok: false, code: 'malformed', message: input.message }, now)
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

  /** What is sent without a subscription would not be taken: it is due again when there is one. */
  #perform(actions: readonly CareAction[]): DriverCommand[] {
    return actions.flatMap(action => {
      if (action.kind === 'tell') return [event({ kind: 'update', status: action.status })]
      return this.#phase === 'subscribed' ? [this.#send(action.what, action.body, action.callId)] : []
    })
  }

  #subscribeAgain(now: Millis, delayMs = 0): DriverCommand[] {
    this.#phase = 'subscribing'
    this.#answeredMeanwhile = []
    const call = `subscribe-${++this.#subscribeCount}`
    this.#heardAtMs = now
    this.#subscribe = { call, resendAtMs: now + delayMs, waitMs: firstSubscribeMs / 2 }
    return this.#subscribeWhenDue(now)
  }

  #subscribeWhenDue(now: Millis): DriverCommand[] {
    if (now < this.#subscribe.resendAtMs) return []
    const waitMs = Math.min(this.#subscribe.waitMs * 2, longestSubscribeMs)
    this.#subscribe = { ...this.#subscribe, resendAtMs: now + waitMs, waitMs }
    const { facts, demands } = this.#declarations
    const body = {
      ...facts,
      ...(demands.length > 0 ? { demands } : {}),
      startedAtMs: this.#settings.startedAtMs,
      received: this.#link.received,
    }
    return [this.#send('subscribe', body, this.#subscribe.call)]
  }

  #call(callId: string, call: CallKind, asked: CallBody, now: Millis): DriverCommand[] {
    const isAnswer = call === 'accept' || call === 'decline'
    const offers = isAnswer ? this.#offers.take(asked.offerIds ?? []) : []
    const body = this.#bodyOf(call, asked, offers)
    if (asked.suppressedRoles) this.#declarations.setSuppressed(asked.suppressedRoles)
    if (call === 'suppress') this.#declarations.suppress(body.roles)
    if (call === 'unsuppress' || call === 'revive') this.#declarations.unsuppress(body.roles)
    this.#tasks.called(callId, call, body, now)
    const isSent = this.#phase === 'subscribed'
    const sentWith = isSent ? this.#subscribeCount : undefined
    this.#calls.add(callId, { call, body, offers, role: offers[0]?.role ?? '', sentWith }, now)
    return isSent ? [this.#send(call, body, callId)] : []
  }

  #bodyOf(call: CallKind, asked: CallBody, [offer]: readonly Offer[]): CallBody {
    if (call === 'update') return this.#declarations.completed(asked, this.#calls.lastUpdate)
    // A new leader does not know the offers of the one before, but it can find out what runs there.
    return call === 'accept' && offer ? { ...asked, agentId: offer.agentId } : asked
  }

  #message(message: MessageOf<typeof leaderToFramework>, now: Millis): DriverCommand[] {
    if (message.epoch >= this.#epoch && this.#isVersionRefused(message)) {
      this.#epoch = message.epoch
      this.#link.version = oldestProtocolVersion
      return this.#subscribeAgain(now)
    }
    const isForAnother = message.to !== undefined && message.to !== this.#settings.session
    if (message.epoch < this.#epoch || isForAnother) return []
    this.#follow(message.epoch)
    this.#heardAtMs = now
    const arrival = this.#link.arrive(message)
    if (arrival === 'repeated') return []
    const missed = arrival === 'gap' || (arrival === 'new-session' && message.sequence !== 1)
    const commands = this.#body(message, now)
    if (missed && this.#phase === 'subscribed') {
      commands.push(log('debug', 'messages of the leader were lost; subscribing again'))
      commands.push(...this.#subscribeAgain(now))
    }
    return commands
  }

  /**
   * By a leader that was not upgraded yet. If it knows this framework from before its restart, such a leader tells that
   * earlier life, so here it does not count for whom it is meant.
   */
  #isVersionRefused({ kind, call, body }: MessageOf<typeof leaderToFramework>): boolean {
    return (
      kind === 'reply' &&
      body.code === 'unsupported-version' &&
      call === this.#subscribe.call &&
      this.#phase === 'subscribing' &&
      this.#link.version > oldestProtocolVersion
    )
  }

  /** Another leader may have been upgraded meanwhile: it is spoken to in the newest version first. */
  #follow(epoch: number): void {
    if (epoch > this.#epoch) this.#link.version = protocolVersion
    this.#epoch = epoch
  }

  #body(message: MessageOf<typeof leaderToFramework>, now: Millis): DriverCommand[] {
    switch (message.kind) {
      case 'reply':
        return message.call === this.#subscribe.call
          ? this.#subscribed(message.body, now)
          : this.#settle(message.call ?? '', message.body, now)
      case 'offers':
        return this.#offered(message.body.offers)
      case 'rescind':
        return this.#rescinded(message.body.offerIds, message.body.reason)
      case 'update':
        return this.#perform(this.#tasks.status(message.body, now))
      case 'updates':
        return message.body.statuses.flatMap(status => this.#perform(this.#tasks.status({ status }, now)))
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
    this.#calls.offersEnded()
    const commands = this.#rescinded(this.#offers.offerIds, reason)
    commands.push(...this.#inverseRescinded(this.#offers.inverseOfferIds, reason))
    commands.push(event({ kind: 'subscribed', epoch: this.#epoch }))
    for (const open of this.#answeredMeanwhile.splice(0)) commands.push(...this.#declareAgain(open))
    for (const [callId, open] of this.#calls.all()) {
      open.sentWith ??= this.#subscribeCount
      commands.push(this.#send(open.call, open.body, callId))
    }
    const isOpen = (callId: string): boolean => this.#calls.has(callId)
    commands.push(...this.#perform(this.#tasks.subscribed(now, isOpen)))
    return commands
  }

  #settle(callId: string, reply: Reply, now: Millis): DriverCommand[] {
    const open = this.#calls.get(callId)
    if (!open) return this.#perform(this.#tasks.answered(callId, reply, now))
    // Subscribed again meanwhile, or soon: the call is sent anew then.
    if (!reply.ok && reply.code === 'not-subscribed') return []
    const overtaken = reply.ok ? this.#calls.overtakenBy(callId, open) : []
    this.#calls.delete(callId)
    if (open.call === 'accept') reply = this.#tasks.completed(reply)
    this.#remember(open, reply)
    if (reply.ok && this.#phase === 'subscribing') this.#answeredMeanwhile.push(open)
    return [
      ...overtaken.map(earlierId => settled(earlierId, { ok: true })),
      settled(callId, reply),
      ...(reply.ok && this.#mayBeUndeclared(open, reply) ? this.#declareAgain(open) : []),
      ...this.#perform(this.#tasks.answered(callId, reply, now)),
      ...this.#perform(open.call === 'accept' ? this.#tasks.accepted(open.body, reply, now) : []),
    ]
  }

  /** What must hold again after the next subscription: not before the leader has taken it, so that this cannot fail. */
  #remember({ call, body, role, offers }: OpenCall, { ok, code, result }: Reply): void {
    const tasks = call === 'accept' && ok ? (result as Accepted).tasks : []
    const operations = call === 'accept' && ok ? ((result as Accepted).operations ?? []) : []
    const isRefused = body.allOrNothing === true && !(ok && [...tasks, ...operations].every(each => each.ok))
    const mayStand = code !== 'stale-offer' && code !== 'timeout'
    if (mayStand && (isRefused || code === 'malformed')) this.#offers.add(offers)
    if (call === 'update' && ok && body.framework)
      this.#declarations.update({ ...body, framework: body.framework })
    if (call === 'update') this.#declarations.keepSuppressed()
    if (!ok) return
    const launched = new Set(tasks.filter(task => task.ok).map(({ taskId }) => taskId))
    this.#declarations.launched(
      role,
      tasksOf(body).filter(({ taskId }) => launched.has(taskId)),
    )
    // What an accept declares is what is wanted when it is done.
    this.#declarations.demand(body.demands ?? [])
  }

  /**
   * A call that was sent before this subscription, and is answered now, may have been done before it: then the
   * subscription has replaced what the leader had made of it. And of an accept of another leader's offers a leader only
   * says what became of it.
   */
  #mayBeUndeclared({ call, sentWith }: OpenCall, { result }: Reply): boolean {
    if (this.#phase !== 'subscribed') return false
    const { tasks, operations = [] } = call === 'accept' ? (result as Accepted) : { tasks: [] }
    return (
      sentWith !== this.#subscribeCount || [...tasks, ...operations].some(each => each.code === 'stale-offer')
    )
  }

  /** What holds is said once more. */
  #declareAgain({ call, body, role }: OpenCall): DriverCommand[] {
    const callId = (): string => `${this.#settings.session}-again-${++this.#againCount}`
    if (call === 'update')
      return this.#calls.lastUpdate ? [] : [this.#send('update', this.#declarations.facts, callId())]
    const roles = new Set([
      ...(call === 'accept' ? [role] : []),
      ...(body.demands ?? []).map(each => each.role),
    ])
    // One that is under way already is newer.
    for (const declared of this.#calls.declaredRoles) roles.delete(declared)
    const demands = this.#declarations.demandsOf(roles, body.demands)
    return demands.length > 0 ? [this.#send('demand', { demands }, callId())] : []
  }

  #offered(offers: readonly Offer[]): DriverCommand[] {
    if (this.#phase !== 'subscribed') return []
    this.#offers.add(offers)
    return [event({ kind: 'offers', offers })]
  }

  #rescinded(offerIds: readonly OfferId[], reason: string): DriverCommand[] {
    this.#calls.offersEnded(offerIds)
    const known = this.#offers.rescind(offerIds)
    return known.length > 0 ? [event({ kind: 'rescinded', offerIds: known, reason })] : []
  }

  #inverseOffered(inverseOffers: readonly InverseOffer[]): DriverCommand[] {
    if (this.#phase !== 'subscribed') return []
    this.#offers.addInverse(inverseOffers)
    return [event({ kind: 'inverse-offers', inverseOffers })]
  }

  #inverseRescinded(inverseOfferIds: readonly OfferId[], reason: string): DriverCommand[] {
    const known = this.#offers.rescindInverse(inverseOfferIds)
    return known.length > 0 ? [event({ kind: 'inverse-rescinded', inverseOfferIds: known, reason })] : []
  }

  /** Many frameworks hear of a new leader in the same moment: they do not all subscribe in it. */
  #beacon(epoch: number, now: Millis): DriverCommand[] {
    if (epoch < this.#epoch) return []
    this.#heardAtMs = now
    if (epoch === this.#epoch || this.#phase === 'idle') return []
    const isFirst = this.#epoch === 0
    this.#follow(epoch)
    const reason = 'another master leads now'
    const commands = this.#phase === 'subscribed' ? [event({ kind: 'disconnected', reason })] : []
    const delayMs = isFirst ? 0 : spreadMs(`${this.framework.frameworkId} ${epoch}`, subscribeWithinMs)
    return [...commands, ...this.#subscribeAgain(now, delayMs)]
  }

  #tick(now: Millis): DriverCommand[] {
    const commands = this.#expireCalls(now)
    if (this.#phase === 'subscribing') commands.push(...this.#subscribeWhenDue(now))
    if (this.#phase !== 'subscribed') return commands
    if (now >= this.#heardAtMs + silenceMs) {
      commands.push(event({ kind: 'disconnected', reason: `no leader heard for ${silenceMs} ms` }))
      commands.push(...this.#subscribeAgain(now))
      return commands
    }
    for (const [callId, open] of this.#calls.due(now)) commands.push(this.#send(open.call, open.body, callId))
    commands.push(...this.#perform(this.#tasks.tick(now)))
    if (now >= this.#heartbeatAtMs) {
      this.#heartbeatAtMs = now + this.#heartbeatMs
      commands.push(this.#send('heartbeat', { received: this.#link.received }))
    }
    return commands
  }

  #expireCalls(now: Millis): DriverCommand[] {
    return this.#calls.expired(now).flatMap(([callId, { call }]) => {
      const message = `${call} got no answer within ${callTimeoutMs} ms; it may or may not have been done`
      return this.#settle(callId, { ok: false, code: 'timeout', message }, now)
    })
  }

  #fail(code: ErrorCode, message: string): DriverCommand[] {
    this.#phase = 'failed'
    const open = this.#calls.all().map(([callId]) => {
      this.#calls.delete(callId)
      return this.#closed(callId)
    })
    return [...open, event({ kind: 'failed', code, message })]
  }

  #closed(callId: string): DriverCommand {
    return settled(callId, { ok: false, code: 'closed', message: 'the subscription has ended' })
  }
}

function event(told: DriverEvent): DriverCommand {
  return { kind: 'event', event: told }
}

function settled(callId: string, reply: Reply): DriverCommand {
  return { kind: 'settle', callId, reply }
}

function log(level: 'debug' | 'warn', message: string): DriverCommand {
  return { kind: 'log', level, message }
}
