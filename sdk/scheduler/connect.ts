import {
  type Accepted,
  type FrameworkInfo,
  type LaunchResult,
  leaderToFramework,
  type OfferConstraints,
} from '../protocol/framework.js'
import { leaderToEveryone } from '../protocol/beacon.js'
import { decoder, encode } from '../protocol/codec.js'
import { type ErrorCode, ProtocolError } from '../protocol/errors.js'
import type { Envelope } from '../protocol/envelope.js'
import type { OfferId } from '../protocol/ids.js'
import type { InverseOffer } from '../protocol/inverse-offer.js'
import type { Filter } from '../protocol/offer.js'
import type { Reply } from '../protocol/reply.js'
import { type Peer, Subjects } from '../protocol/subjects.js'
import type { TaskStatus } from '../protocol/task.js'
import { type CancelTimer, type Clock, systemClock } from '../runtime/clock.js'
import { describeError, type Log, silentLog } from '../runtime/log.js'
import { connectNats } from '../runtime/nats/connect.js'
import { NatsTransport } from '../runtime/nats/transport.js'
import { type Random, systemRandom } from '../runtime/random.js'
import type { Transport } from '../runtime/transport.js'
import {
  type Acceptance,
  type AcceptResult,
  type Demand,
  demandToWire,
  type FrameworkFacts,
  type Offer,
  offerFromWire,
  operationToWire,
  type Shape,
  type Task,
} from './calls.js'
import { type CallKind, Driver, type DriverCommand, type DriverEvent, type DriverInput } from './driver.js'

/** What an author's framework does when something happens. Handlers may be asynchronous. */
export interface SchedulerHandlers {
  /** Offers have come. Each is to be accepted or declined; one that is neither is taken back at its `expiresAtMs`. */
  offers?(offers: readonly Offer[], scheduler: Scheduler): Promise<void> | void
  /** These offers are void, whether or not they have been looked at. */
  rescinded?(offerIds: readonly OfferId[], reason: string): void
  /**
   * We are asked to leave agents on which we hold offers or tasks: they will not be there for a while, or for good.
   * Nothing is done to tasks by it, but those that are still there when a drain's time has come are killed.
   */
  inverseOffers?(inverseOffers: readonly InverseOffer[], scheduler: Scheduler): Promise<void> | void
  /** These requests are taken back; after another subscription they come anew, if they still hold. */
  inverseOffersRescinded?(inverseOfferIds: readonly OfferId[], reason: string): void
  /**
   * A task has changed. In order for each task, one after the other, and each numbered update once while this process
   * lives. Acknowledged when the handler has returned or its promise has resolved; if it throws, the update comes again.
   */
  update?(status: TaskStatus, scheduler: Scheduler): Promise<void> | void
  /** The leader knows us: after each (re)subscription. The states of tasks follow as updates, where they are news. */
  subscribed?(scheduler: Scheduler): Promise<void> | void
  /** No leader is heard, or another one leads. Nothing needs to be done: the driver subscribes again. */
  disconnected?(reason: string): void
  /** The end: another instance took over, or the framework was refused or removed. */
  failed?(code: ErrorCode, message: string): void
}

export interface SchedulerOptions extends SchedulerHandlers {
  /** URL of NATS, or a transport such as the in-memory one of `@tender/sdk/testing`. */
  readonly nats: string | Transport
  /** The cluster's name; `default` unless told. */
  readonly cluster?: string
  readonly framework: FrameworkInfo
  /** Roles that want no offers at first. */
  readonly suppressedRoles?: readonly string[]
  /** By role: only agents that meet one of these groups are offered. */
  readonly offerConstraints?: OfferConstraints
  /** What is wanted at first; a role that is not named is offered whole remainders of agents. */
  readonly demands?: readonly Demand[]
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: Random
}

const tickMs = 100

/**
 * Connects a framework to its cluster, and resolves when the leader has taken the subscription. From then on the
 * driver keeps the subscription, acknowledges updates, resends what got no answer, and survives the loss of the
 * leader and of NATS.
 *
 * @throws NatsUnavailableError when no NATS server answers
 * @throws ProtocolError when the subscription is refused
 * @example
 * const scheduler = await connect({
 *   nats: 'nats://127.0.0.1:4222',
 *   framework: { frameworkId: 'hello', name: 'hello', roles: ['*'] },
 *   async offers([first, ...rest], scheduler) {
 *     if (first) await scheduler.accept(first, [{ taskId: 'hello-1', resources: 'cpus:0.1;mem:32', shell: 'echo hi' }])
 *     if (rest.length > 0) await scheduler.decline(rest)
 *   },
 *   update: status => console.log(status.taskId, status.state),
 * })
 */
export async function connect(options: SchedulerOptions): Promise<Scheduler> {
  const log = options.log ?? silentLog
  const transport =
    typeof options.nats === 'string'
      ? new NatsTransport(await connectNats(options.nats, `framework ${options.framework.frameworkId}`), log)
      : options.nats
  const scheduler = new Scheduler(options, transport, log)
  try {
    await scheduler.whenSubscribed
  } catch (error) {
    // Nobody has the scheduler, so nobody else could close it.
    await scheduler.close()
    throw error
  }
  return scheduler
}

/** A framework's connection to its cluster; made by `connect`. */
export class Scheduler {
  /** Resolves at the first subscription, and rejects if that is refused. */
  readonly whenSubscribed: Promise<void>
  readonly #driver: Driver
  readonly #transport: Transport
  readonly #handlers: SchedulerHandlers
  readonly #clock: Clock
  readonly #log: Log
  readonly #subjects: Subjects
  readonly #self: Peer
  readonly #settlers = new Map<string, (reply: Reply) => void>()
  readonly #session: string
  readonly #commands: DriverCommand[] = []
  #isPerforming = false
  #callCount = 0
  #cancelTick: CancelTimer = () => {}
  #closed = false
  #firstSubscription!: { resolve: () => void; reject: (error: unknown) => void }

  /** Use `connect`. */
  constructor(options: SchedulerOptions, transport: Transport, log: Log) {
    this.#transport = transport
    this.#handlers = options
    this.#clock = options.clock ?? systemClock
    this.#log = log
    this.#subjects = new Subjects(options.cluster ?? 'default')
    this.#self = { kind: 'framework', id: options.framework.frameworkId }
    this.#session = (options.random ?? systemRandom).hex(16)
    this.whenSubscribed = new Promise((resolve, reject) => {
      this.#firstSubscription = { resolve, reject }
    })
    this.#driver = new Driver({
      framework: options.framework,
      session: this.#session,
      startedAtMs: this.#clock.now(),
      suppressedRoles: options.suppressedRoles ?? [],
      ...(options.offerConstraints ? { offerConstraints: options.offerConstraints } : {}),
      ...(options.demands ? { demands: options.demands.map(demandToWire) } : {}),
    })
    this.#listen()
    this.#step({ kind: 'start' })
    this.#tick()
  }

  /** As the leader has last taken it. */
  get framework(): FrameworkInfo {
    return this.#driver.framework
  }

  /**
   * Takes offers of one agent and role, and launches tasks on them; what the tasks leave over goes back, and is not
   * offered again for `refuseMs` (5 s unless told). Resolves with what became of each task. A task that was refused
   * here gets no update.
   *
   * @throws ProtocolError when nothing of it was done, e.g. `invalid-offer`: an offer is not there any more. Only after
   *   `timeout` it is not known: then an update tells of each task what has become of it.
   */
  async accept(
    offers: Offer | readonly Offer[],
    tasks: readonly Task[],
    filter?: Filter,
  ): Promise<readonly LaunchResult[]> {
    const operations = tasks.length > 0 ? [{ launch: tasks }] : []
    return (await this.acceptWith(offers, { operations, ...(filter ? { filter } : {}) })).tasks
  }

  /**
   * As `accept`, for all that can be done with offers: reserve, create volumes, launch, in the order given.
   *
   * @example
   * const volume = 'disk(web,dynamic)[db-1:/data]:100'
   * const { operations, tasks } = await scheduler.acceptWith(offer, {
   *   operations: [
   *     { reserve: 'cpus(web,dynamic):1;disk(web,dynamic):100' },
   *     { create: volume },
   *     { launch: [{ taskId: 'db-1', resources: `cpus(web,dynamic):1;${volume}`, shell: 'serve' }] },
   *   ],
   *   allOrNothing: true,
   * })
   */
  async acceptWith(offers: Offer | readonly Offer[], acceptance: Acceptance): Promise<AcceptResult> {
    const { operations, demands, ...rest } = acceptance
    const result = (await this.#call('accept', {
      offerIds: [offers].flat().map(offer => offer.offerId),
      operations: operations.map(operationToWire),
      ...(demands ? { demands: demands.map(demandToWire) } : {}),
      ...rest,
    })) as Accepted
    return { tasks: result.tasks, operations: result.operations ?? [] }
  }

  /**
   * Gives offers back; they do not come again for `refuseMs` (5 s unless told). With `demands`, what is wanted is
   * declared in the same moment, so that no offer is made in between.
   */
  async decline(
    offers: Offer | readonly Offer[],
    options: Filter & { readonly demands?: readonly Demand[] } = {},
  ): Promise<void> {
    const offerIds = [offers].flat().map(offer => offer.offerId)
    const { demands = [], ...filter } = options
    const wire = demands.map(demandToWire)
    if (offerIds.length > 0)
      await this.#call('decline', {
        offerIds,
        ...(filter.refuseMs === undefined ? {} : { filter }),
        ...(wire.length > 0 ? { demands: wire } : {}),
      })
    else if (wire.length > 0) await this.#call('demand', { demands: wire })
  }

  /**
   * Declares what is wanted in a role, in place of what was wanted before: exactly that is offered, and no more. An
   * empty list wants nothing; without a list, whole remainders of agents are offered again. A task that is launched
   * lowers by one the count of the first shape that takes as much; so declare anew what is to run beyond that.
   *
   * @example
   * await scheduler.demand('web', [{ count: 3, resources: 'cpus:0.5;mem:128;ports:1' }])
   */
  async demand(role: string, shapes?: readonly Shape[]): Promise<void> {
    await this.#call('demand', { demands: [demandToWire({ role, shapes })] })
  }

  /**
   * Tells other facts of the framework, such as its roles; what is left out stays as it is, what is given replaces
   * the whole. Offers stand on.
   *
   * @throws ProtocolError when they are refused; those of before hold on
   * @example
   * await scheduler.update({ framework: { ...scheduler.framework, roles: ['web', 'batch'] } })
   */
  async update(facts: FrameworkFacts): Promise<void> {
    await this.#call('update', facts)
  }

  /** We shall leave these agents in time: advice for operators. */
  async acceptInverseOffers(inverseOffers: InverseOffer | readonly InverseOffer[]): Promise<void> {
    await this.#answerInverseOffers(inverseOffers, 'accept')
  }

  /** We cannot leave these agents, or not in time: advice for operators. */
  async declineInverseOffers(inverseOffers: InverseOffer | readonly InverseOffer[]): Promise<void> {
    await this.#answerInverseOffers(inverseOffers, 'decline')
  }

  async #answerInverseOffers(
    inverseOffers: InverseOffer | readonly InverseOffer[],
    answer: 'accept' | 'decline',
  ): Promise<void> {
    const inverseOfferIds = [inverseOffers].flat().map(({ inverseOfferId }) => inverseOfferId)
    if (inverseOfferIds.length > 0) await this.#call('answer-inverse-offers', { inverseOfferIds, answer })
  }

  /** No offers any more for these roles, or all: cheap for everybody while there is nothing to launch. */
  async suppress(roles?: readonly string[]): Promise<void> {
    await this.#call('suppress', roles ? { roles } : {})
  }

  /** Offers again for these roles, or all; filters stay. */
  async unsuppress(roles?: readonly string[]): Promise<void> {
    await this.#call('unsuppress', roles ? { roles } : {})
  }

  /** Ends the filters that declines and accepts have set, of these roles, or all. */
  async clearFilters(roles?: readonly string[]): Promise<void> {
    await this.#call('clear-filters', roles ? { roles } : {})
  }

  /** `unsuppress` and `clearFilters` in one: something new is to be launched. */
  async revive(roles?: readonly string[]): Promise<void> {
    await this.#call('revive', roles ? { roles } : {})
  }

  /**
   * Ends a task: SIGTERM, and SIGKILL after the grace. Resolves when the order is given; the end comes as an update. The
   * order is kept, and given again, until the task has ended.
   */
  async kill(taskId: string, options: { agentId?: string; graceMs?: number } = {}): Promise<void> {
    await this.#call('kill', { taskId, ...options })
  }

  /**
   * Asks for the states of these tasks, or of all; they come as updates with reason RECONCILIATION. Tasks that are named
   * are asked for until each was heard of, and after each subscription to come, as those that were launched here.
   */
  async reconcile(tasks: readonly { taskId: string; agentId?: string }[] = []): Promise<void> {
    await this.#call('reconcile', { tasks })
  }

  /** Ends the framework for good: all its tasks are killed and its id is given up. */
  async teardown(): Promise<void> {
    await this.#call('teardown', {})
    await this.close()
  }

  /** Leaves; tasks run on, and the same framework may subscribe again within its failover timeout. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#step({ kind: 'close' })
    this.#closed = true
    this.#cancelTick()
    for (const settle of this.#settlers.values())
      settle({ ok: false, code: 'closed', message: 'the scheduler was closed' })
    this.#settlers.clear()
    await this.#transport.close()
  }

  async #call(call: CallKind, body: object): Promise<unknown> {
    if (this.#closed) throw new ProtocolError('closed', `${call}: the scheduler was closed`)
    // The session makes the id unlike those of an earlier instance, which the leader may still remember.
    const callId = `${this.#session}-${++this.#callCount}`
    const reply = await new Promise<Reply>(resolve => {
      this.#settlers.set(callId, resolve)
      this.#step({ kind: 'call', callId, call, body })
    })
    if (!reply.ok) throw new ProtocolError(reply.code ?? 'malformed', reply.message ?? `${call} was refused`)
    return reply.result
  }

  #listen(): void {
    const decode = decoder(leaderToFramework)
    const decodeBeacon = decoder(leaderToEveryone)
    this.#transport.subscribe(this.#subjects.toPeer(this.#self), bytes => {
      const decoded = decode(bytes)
      if (decoded.ok) this.#step({ kind: 'message', message: decoded.message })
      else this.#step({ kind: 'bad-message', error: decoded.error })
    })
    this.#transport.subscribe(this.#subjects.leader, bytes => {
      const decoded = decodeBeacon(bytes)
      if (decoded.ok) this.#step({ kind: 'beacon', epoch: decoded.message.epoch })
    })
    this.#transport.onStatus(status => {
      if (status === 'connected') this.#step({ kind: 'reconnected' })
    })
  }

  #tick(): void {
    this.#cancelTick = this.#clock.setTimer(tickMs, () => {
      if (this.#closed) return
      this.#step({ kind: 'tick' })
      this.#tick()
    })
  }

  /**
   * What a step decides is performed in the order of the steps, also when a handler calls back into this scheduler in
   * the middle of it: messages are numbered, and must leave in the order of their numbers.
   */
  #step(input: DriverInput): void {
    if (this.#closed) return
    this.#commands.push(...this.#driver.step(input, this.#clock.now()))
    if (this.#isPerforming) return
    this.#isPerforming = true
    try {
      for (let command = this.#commands.shift(); command; command = this.#commands.shift())
        this.#perform(command)
    } finally {
      this.#isPerforming = false
    }
  }

  #perform(command: DriverCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#send(command.envelope)
      case 'settle':
        this.#settlers.get(command.callId)?.(command.reply)
        this.#settlers.delete(command.callId)
        return
      case 'event':
        void this.#emit(command.event)
        return
      case 'log':
        this.#log[command.level](command.message, { frameworkId: this.framework.frameworkId })
        return
    }
  }

  #send(envelope: Envelope): void {
    try {
      this.#transport.publish(this.#subjects.toLeader(this.#self), encode(envelope))
    } catch (error) {
      // Too large: the caller is told; to send it again would be of no use.
      if (!(error instanceof RangeError)) throw error
      this.#log.error('a message cannot be sent', { kind: envelope.kind, error: error.message })
      if (envelope.call !== undefined)
        this.#step({ kind: 'unsendable', callId: envelope.call, message: error.message })
    }
  }

  async #emit(event: DriverEvent): Promise<void> {
    try {
      await this.#handle(event)
    } catch (error) {
      this.#log.error(`the handler of '${event.kind}' failed`, {
        frameworkId: this.framework.frameworkId,
        error: describeError(error),
      })
    }
  }

  async #handle(event: DriverEvent): Promise<void> {
    switch (event.kind) {
      case 'subscribed':
        this.#firstSubscription.resolve()
        return await this.#handlers.subscribed?.(this)
      case 'disconnected':
        return this.#handlers.disconnected?.(event.reason)
      case 'offers':
        return await this.#handlers.offers?.(event.offers.map(offerFromWire), this)
      case 'rescinded':
        return this.#handlers.rescinded?.(event.offerIds, event.reason)
      case 'inverse-offers':
        return await this.#handlers.inverseOffers?.(event.inverseOffers, this)
      case 'inverse-rescinded':
        return this.#handlers.inverseOffersRescinded?.(event.inverseOfferIds, event.reason)
      case 'update':
        return await this.#updated(event.status)
      case 'failed':
        this.#firstSubscription.reject(new ProtocolError(event.code, event.message))
        return this.#handlers.failed?.(event.code, event.message)
    }
  }

  async #updated(status: TaskStatus): Promise<void> {
    const { taskId, agentId, sequence } = status
    try {
      await this.#handlers.update?.(status, this)
    } catch (error) {
      // What the master says by itself does not come again.
      if (sequence !== undefined) this.#step({ kind: 'unhandled', taskId })
      throw error
    }
    if (agentId === undefined || sequence === undefined) return
    this.#step({ kind: 'handled', taskId, agentId, sequence })
  }
}
