import type {
  Envelope,
  InverseOffer,
  leaderToFramework,
  LinkEnd,
  MessageOf,
  Offer,
  Reply,
  TaskStatus,
} from '@tender/sdk/protocol'
import { LinkEnd as End } from '@tender/sdk/protocol'
import {
  type CallKind,
  Driver,
  type DriverCommand,
  type DriverEvent,
  type DriverInput,
  type DriverSettings,
} from '#sdk/scheduler/driver.js'

type LeaderMessage = MessageOf<typeof leaderToFramework>

export const session = 's1'
export const heartbeatMs = 5_000

/** What a driver wants, as one reads it: `send kill c1`, `event subscribed`, `settle c1 ok`. */
export function told(commands: readonly DriverCommand[]): string[] {
  return commands.map(command => {
    switch (command.kind) {
      case 'send':
        return ['send', command.envelope.kind, command.envelope.call].filter(Boolean).join(' ')
      case 'event':
        return `event ${eventText(command.event)}`
      case 'settle':
        return `settle ${command.callId} ${command.reply.ok ? 'ok' : command.reply.code}`
      case 'log':
        return 'log'
    }
  })
}

function eventText(event: DriverEvent): string {
  switch (event.kind) {
    case 'subscribed':
      return `subscribed ${event.epoch}`
    case 'disconnected':
      return `disconnected: ${event.reason}`
    case 'offers':
      return `offers ${event.offers.map(({ offerId }) => offerId).join()}`
    case 'rescinded':
      return `rescinded ${event.offerIds.join()}: ${event.reason}`
    case 'inverse-offers':
      return `inverse-offers ${event.inverseOffers.map(each => each.inverseOfferId).join()}`
    case 'inverse-rescinded':
      return `inverse-rescinded ${event.inverseOfferIds.join()}: ${event.reason}`
    case 'update':
      return `update ${event.status.taskId} ${event.status.sequence ?? '-'} ${event.status.state}`
    case 'failed':
      return `failed ${event.code}: ${event.message}`
  }
}

/** A driver, and a leader that says what the test lets it say. Time stands still unless `at` is moved. */
export class DriverRig {
  readonly driver: Driver
  now = 0
  /** The commands of the last step, for what `told` does not show. */
  last: DriverCommand[] = []
  #leader: LinkEnd = new End('m1')
  #epoch = 1

  constructor(settings: Partial<DriverSettings> = {}) {
    this.driver = new Driver({
      framework: { frameworkId: 'web', name: 'web', roles: ['a', 'b'] },
      session,
      startedAtMs: 0,
      suppressedRoles: [],
      ...settings,
    })
  }

  /** One whose subscription has been taken. */
  static subscribed(settings: Partial<DriverSettings> = {}): DriverRig {
    const rig = new DriverRig(settings)
    rig.step({ kind: 'start' })
    rig.takeSubscription(1)
    return rig
  }

  step(input: DriverInput): string[] {
    this.last = this.driver.step(input, this.now)
    return told(this.last)
  }

  /** Moves time, and lets the driver look at its deadlines. */
  after(ms: number): string[] {
    this.now += ms
    return this.step({ kind: 'tick' })
  }

  /** Moves time under a leader that is there; what of all that is told matches, and when. */
  during(ms: number, pattern: RegExp): [atMs: number, text: string][] {
    const seen: [number, string][] = []
    for (const endMs = this.now + ms; this.now < endMs; ) {
      this.step({ kind: 'beacon', epoch: this.#epoch })
      for (const text of this.after(100)) if (pattern.test(text)) seen.push([this.now, text])
    }
    return seen
  }

  call(callId: string, call: CallKind, body: object = {}): string[] {
    return this.step({ kind: 'call', callId, call, body })
  }

  /** The leader answers the nth `subscribe`; with each, it begins a link of its own anew. */
  takeSubscription(count: number, reply: Reply = { ok: true, result: { frameworkId: 'web', heartbeatMs } }) {
    this.#leader = new End(`m-${this.#epoch}-${count}`)
    return this.hear('reply', reply, { call: `subscribe-${count}` })
  }

  /** Another leader is elected; nobody has heard of it yet. */
  elect(epoch: number): void {
    this.#epoch = epoch
  }

  /** Another leader is elected, and takes the subscription. */
  failOver(epoch: number): string[] {
    this.elect(epoch)
    this.step({ kind: 'beacon', epoch })
    this.after(250)
    return this.takeSubscription(epoch)
  }

  hear(kind: LeaderMessage['kind'], body: object, options: { call?: string; to?: string } = {}): string[] {
    const envelope = this.#leader.wrap(kind, body, this.#epoch, { to: session, ...options })
    return this.hearEnvelope(envelope)
  }

  /** As it is, without the numbers that a leader would give it. */
  hearEnvelope(envelope: Envelope): string[] {
    return this.step({ kind: 'message', message: envelope as LeaderMessage })
  }

  /** A message of the leader that is lost on the way. */
  lose(): void {
    this.#leader.wrap('offers', {}, this.#epoch)
  }

  hearOffers(...offerIds: string[]): string[] {
    return this.hear('offers', { offers: offerIds.map(offer) })
  }

  hearInverseOffers(...inverseOfferIds: string[]): string[] {
    return this.hear('inverse-offers', { inverseOffers: inverseOfferIds.map(inverseOffer) })
  }

  /** The leader's answer to a call. */
  answer(callId: string, reply: Reply = { ok: true }): string[] {
    return this.hear('reply', reply, { call: callId })
  }

  /** The body of the subscription that the driver asks for when it has lost the connection. */
  resubscription(): object {
    this.step({ kind: 'reconnected' })
    return this.sent[0]?.body as object
  }

  /** @param oldest the first that nobody has acknowledged, when that is not this one */
  hearUpdate(
    sequence: number | undefined,
    state: TaskStatus['state'] = 'RUNNING',
    taskId = 't1',
    oldest?: number,
  ): string[] {
    const update = { status: status(sequence, state, taskId) }
    return this.hear('update', oldest === undefined ? update : { ...update, oldest })
  }

  /** What the master says by itself. */
  hearSaid(state: TaskStatus['state'], more: Partial<TaskStatus> = {}): string[] {
    const said = { ...status(undefined, state, 't1'), source: 'master', ...more }
    return this.hear('update', { status: said })
  }

  /** The answer of a reconciliation. */
  hearAnswer(state: TaskStatus['state'], taskId = 't1'): string[] {
    return this.hearSaid(state, { taskId, reason: 'RECONCILIATION' })
  }

  /** Accepts an offer with these tasks on it, as call `c1`. */
  accept(taskIds: readonly string[], more: object = {}): string[] {
    this.hearOffers('o1')
    const tasks = taskIds.map(taskId => ({ taskId, resources: { cpus: 1 }, shell: 'true' }))
    return this.call('c1', 'accept', { offerIds: ['o1'], operations: [{ kind: 'launch', tasks }], ...more })
  }

  /** The author's handler is done with an update. */
  handled(sequence: number, taskId = 't1'): string[] {
    return this.step({ kind: 'handled', taskId, agentId: 'a1', sequence })
  }

  /** The envelopes that the last step wants sent. */
  get sent(): Envelope[] {
    return this.last.flatMap(command => (command.kind === 'send' ? [command.envelope] : []))
  }
}

function offer(offerId: string): Offer {
  return {
    offerId,
    frameworkId: 'web',
    role: 'a',
    agentId: 'a1',
    hostname: 'a1.test',
    resources: { cpus: 1 },
    attributes: {},
    containerizers: ['process'],
    madeAtMs: 0,
  }
}

function inverseOffer(inverseOfferId: string): InverseOffer {
  return {
    inverseOfferId,
    frameworkId: 'web',
    agentId: 'a1',
    hostname: 'a1.test',
    reason: 'maintenance',
    unavailability: { startMs: 60_000 },
  }
}

function status(sequence: number | undefined, state: TaskStatus['state'], taskId: string): TaskStatus {
  return {
    frameworkId: 'web',
    taskId,
    agentId: 'a1',
    state,
    timestampMs: 0,
    source: 'agent',
    ...(sequence === undefined ? {} : { sequence }),
  }
}
