import {
  type agentToLeader,
  type frameworkToLeader,
  LinkEnd,
  type MessageOf,
  oldestProtocolVersion,
  type Peer,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import type { MasterCommand } from '../../../master/core/commands.js'
import type { MasterInput } from '../../../master/core/inputs.js'
import { Master } from '../../../master/core/master.js'
import type { OperatorCall } from '../../../master/core/operator-calls.js'
import { defaultMasterSettings } from '../../../master/core/state.js'
import { Election, type ElectionCommand, type LeaseOperation } from '../../../master/election/election.js'
import type { RegistryContent } from '../../../master/registry/records.js'
import type { Connection, Parcel } from '../world/network.js'
import { SimulatedProcess } from '../world/process.js'
import type { Outcome } from '../world/store.js'
import { RegistryWriter } from './registry-writer.js'

const leaseKey = 'leader'
const beaconMs = 1_000
/** A new leader that cannot read the registry tries again after this, and for so long. */
const tickMs = 100
const registryTimeoutMs = 20_000

/** What exists only while this master leads. */
export interface Term {
  readonly epoch: number
  readonly core: Master
  readonly registry: RegistryWriter
  isOfferDue: boolean
  /** When something was last done. */
  lastMs: number
  /** What waits until the lease has been looked at, after the process has stood still. */
  held: (() => void)[] | undefined
}

type ElectionHappening = Parameters<Election['step']>[0] extends infer I
  ? I extends { now: number }
    ? Omit<I, 'now'>
    : never
  : never

/** A master: the real election and the real core, in a shell that does what `master-shell.ts` does. */
export class MasterProcess extends SimulatedProcess {
  #term: Term | undefined
  #election: Election | undefined
  #connection!: Connection
  #beaconLink!: LinkEnd
  #requests = new Map<string, (reply: Reply) => void>()
  #requestCount = 0
  #isLeaving = false
  #timer = 0
  /** Waits for the answer to what the election has asked for. */
  readonly #whenAnswered: (() => void)[] = []

  /** While it believes to lead. */
  get term(): Term | undefined {
    return this.isUp ? this.#term : undefined
  }

  /** Gives leadership up in an orderly way, and ends. */
  resign(): void {
    if (!this.isUp || this.isPaused) return
    this.#isLeaving = true
    const term = this.#term
    this.#follow()
    const leave = () => {
      this.#elect({ kind: 'resign' })
      this.after(100, () => this.crash())
    }
    if (!term) return leave()
    let hasLeft = false
    const leaveOnce = this.whenAlive(() => {
      if (!hasLeft) leave()
      hasLeft = true
    })
    term.registry.stop(leaveOnce)
    this.after(this.world.settings.leaseMs, leaveOnce)
  }

  /** The store tells that the lease was given up. */
  leaseVanished(): void {
    if (this.isUp) this.after(1, () => this.#elect({ kind: 'vanished' }))
  }

  /** An operator's call; not answered when this master does not lead, or loses it meanwhile. */
  readonly operate = (call: OperatorCall, answer: (reply: Reply) => void): void =>
    this.whenAlive(() => {
      if (!this.#term) return
      const requestId = `operator-${++this.#requestCount}`
      this.#requests.set(requestId, answer)
      this.#step({ kind: 'operator', requestId, call })
    })()

  protected override onStart(): void {
    this.#term = undefined
    this.#isLeaving = false
    this.#requests = new Map()
    this.#whenAnswered.length = 0
    const masterId = this.#masterId
    this.#beaconLink = new LinkEnd(masterId, oldestProtocolVersion)
    this.#connection = this.connect(status => {
      if (status === 'connected') this.#step({ kind: 'reconnected' })
    })
    this.world.network.subscribe(
      this.#connection,
      'leader',
      this.whenAlive(parcel => this.#receive(parcel)),
    )
    this.#election = new Election({
      self: { masterId, httpUrl: `http://${masterId}` },
      leaseMs: this.world.settings.leaseMs,
    })
    this.#elect({ kind: 'start' })
  }

  protected override onEnd(): void {
    this.world.network.close(this.#connection)
    this.#requests.clear()
    this.#term = undefined
  }

  get #masterId(): string {
    return `${this.name}-${this.life}`
  }

  // The election

  #elect(happening: ElectionHappening): void {
    const election = this.#election
    if (!election) return
    const input = { ...happening, now: this.now() } as Parameters<Election['step']>[0]
    const commands = this.world.calling(this.name, () => election.step(input))
    this.#setTimer(election)
    for (const command of commands) this.#performElection(command)
    if (!election.isAsking) for (const act of this.#whenAnswered.splice(0)) act()
  }

  #setTimer(election: Election): void {
    const { dueAtMs } = election
    const timer = ++this.#timer
    if (dueAtMs === undefined) return
    this.after(Math.max(0, dueAtMs - this.now()), () => {
      if (timer === this.#timer) this.#elect({ kind: 'tick' })
    })
  }

  #performElection(command: ElectionCommand): void {
    switch (command.kind) {
      case 'elected':
        return this.#lead(command.epoch)
      case 'deposed':
        return this.#follow()
      case 'following':
      case 'log':
        return
      default:
        this.burn(`lease ${command.kind}`)
        this.#askForLease(command)
    }
  }

  #askForLease(operation: LeaseOperation): void {
    this.world.store.ask(this.#connection, this.world.lease, {
      timeoutMs: Math.max(500, this.world.settings.leaseMs / 2),
      work: (bucket, now): unknown => {
        if (operation.kind === 'read') return bucket.get(leaseKey, now)
        if (operation.kind === 'create') return bucket.create(leaseKey, operation.value, now)
        if (operation.kind === 'update')
          return bucket.update(leaseKey, operation.value, operation.revision, now)
        bucket.delete(leaseKey, operation.revision, now)
        for (const master of this.world.masters) if (master !== this) master.leaseVanished()
        return undefined
      },
      done: this.whenAlive((outcome: Outcome<unknown>) => this.#elect(answerOf(operation, outcome))),
    })
  }

  #lead(epoch: number): void {
    const registry = new RegistryWriter(this.world.store, this.world.registry, this.#connection)
    this.#load(registry, epoch, this.now() + registryTimeoutMs)
  }

  #load(registry: RegistryWriter, epoch: number, giveUpAtMs: number): void {
    registry.load(
      this.whenAlive(outcome => {
        if (this.#election?.epoch !== epoch || this.#isLeaving) return
        if (outcome.kind === 'done') return this.#begin(registry, epoch, outcome.value)
        if (this.now() < giveUpAtMs)
          return this.after(tickMs, () => {
            if (this.#election?.epoch === epoch) this.#load(registry, epoch, giveUpAtMs)
          })
        this.#elect({ kind: 'give-up', reason: 'the registry could not be read' })
      }),
    )
  }

  #begin(registry: RegistryWriter, epoch: number, content: RegistryContent): void {
    const leadership = {
      cluster: 'simulated',
      masterId: this.#masterId,
      epoch,
      httpUrl: `http://${this.#masterId}`,
      electedAtMs: this.now(),
      version: 'simulated',
    }
    const core = new Master(leadership, content, defaultMasterSettings)
    const term: Term = { epoch, core, registry, isOfferDue: false, lastMs: this.now(), held: undefined }
    this.#term = term
    this.world.trace(this.name, `leads, epoch ${epoch}`)
    this.world.tell({ kind: 'elected', process: this.name, epoch })
    this.#beacon(term)
    this.#tick(term)
  }

  #follow(): void {
    const term = this.#term
    if (!term) return
    this.#term = undefined
    term.registry.stop(() => {})
    this.#requests.clear()
    this.world.trace(this.name, `leads no more, epoch ${term.epoch}`)
    this.world.tell({ kind: 'deposed', process: this.name, epoch: term.epoch })
  }

  #stepDown(reason: string): void {
    this.#elect({ kind: 'step-down', reason })
  }

  // The core

  #receive({ peer, envelope }: Parcel): void {
    if (!this.#term || !peer) return
    const decoded = this.world.codec.toLeader(peer, envelope)
    if (!decoded.ok) {
      const { ok: _, ...bad } = decoded
      return this.#step({ kind: 'bad-message', peer, ...bad })
    }
    if (peer.kind === 'agent')
      return this.#message(peer, {
        kind: 'agent-message',
        agentId: peer.id,
        message: decoded.message as MessageOf<typeof agentToLeader>,
      })
    this.#message(peer, {
      kind: 'framework-message',
      frameworkId: peer.id,
      message: decoded.message as MessageOf<typeof frameworkToLeader>,
    })
  }

  #message(peer: Peer, input: Extract<MasterInput, { kind: 'agent-message' | 'framework-message' }>): void {
    const { call, epoch } = input.message
    if (!this.#term || epoch <= this.#term.epoch) return this.#step(input)
    const problem = `the epoch of this leader is ${this.#term.epoch}, the message knows of ${epoch}`
    const error = new ProtocolError('stale-epoch', problem)
    this.#step({ kind: 'bad-message', peer, error, ...(call === undefined ? {} : { call }) })
  }

  #step(input: MasterInput): void {
    const term = this.#term
    if (!term || this.#holds(term, () => this.#step(input))) return
    const commands = this.world.calling(this.name, () => term.core.handle({ ...input, now: this.now() }))
    this.#performAll(term, commands)
    this.#wantOffers(term)
  }

  /** When what came at once has been handled. */
  #wantOffers(term: Term): void {
    if (term.isOfferDue) return
    term.isOfferDue = true
    this.soon(() => {
      term.isOfferDue = false
      if (this.#term !== term || this.#holds(term, () => this.#wantOffers(term))) return
      const commands = this.world.calling(this.name, () =>
        term.core.offer(this.now(), this.world.settings.offerSlice),
      )
      this.#performAll(term, commands)
      if (term.core.hasMoreOffers) this.#wantOffers(term)
    })
  }

  #performAll(term: Term, commands: readonly MasterCommand[]): void {
    for (const command of commands)
      if (command.kind === 'send' || command.kind === 'store') this.#perform(term, command)
    for (const command of commands)
      if (command.kind !== 'send' && command.kind !== 'store') this.#perform(term, command)
  }

  #perform(term: Term, command: MasterCommand): void {
    switch (command.kind) {
      case 'send': {
        this.burn(command.envelope.kind)
        const { peer, envelope } = command
        this.world.tell({ kind: 'leader-sent', epoch: term.epoch, peer, envelope })
        return this.world.network.publish(this.#connection, `${peer.kind}/${peer.id}`, {
          envelope: this.world.codec.pack(envelope),
        })
      }
      case 'store':
        this.burn('store')
        return this.#store(term, command)
      case 'event':
        return this.world.tell({ kind: 'leader-event', epoch: term.epoch, event: command.event })
      case 'answer': {
        const answer = this.#requests.get(command.requestId)
        this.#requests.delete(command.requestId)
        return answer?.(command.reply)
      }
      case 'log':
        if (command.level === 'error' || command.level === 'warn')
          this.world.trace(this.name, `${command.message} ${JSON.stringify(command.fields)}`)
        return
    }
  }

  /** As `Standstill` does it: after a long pause, the lease is looked at before anything else is done. */
  #holds(term: Term, work: () => void): boolean {
    const now = this.now()
    const { settings } = this.world
    const stoodStill = now - term.lastMs >= settings.leaseMs + settings.tickMs
    term.lastMs = now
    if (term.held) term.held.push(work)
    else if (stoodStill) {
      term.held = [work]
      const release = () => {
        const held = term.held ?? []
        term.held = undefined
        term.lastMs = this.now()
        for (const next of held) next()
      }
      this.#elect({ kind: 'tick' })
      if (this.#election?.isAsking) this.#whenAnswered.push(release)
      else release()
    } else return false
    return true
  }

  #store(term: Term, { ticket, records }: Extract<MasterCommand, { kind: 'store' }>): void {
    term.registry.write(
      records,
      this.whenAlive(outcome => {
        if (this.#term !== term) return
        if (outcome.kind === 'conflict') return this.#stepDown('another leader wrote to the registry')
        const failed = outcome.kind === 'failed' ? { error: outcome.message } : {}
        this.#step({ kind: 'stored', ticket, ...failed })
      }),
    )
  }

  #beacon(term: Term): void {
    if (this.#term !== term || this.#holds(term, () => this.#beacon(term))) return
    const envelope = this.#beaconLink.wrap('beacon', term.core.beacon(), term.epoch)
    this.world.network.publish(this.#connection, 'beacon', { envelope: this.world.codec.pack(envelope) })
    this.after(beaconMs, () => this.#beacon(term))
  }

  #tick(term: Term): void {
    if (this.#term !== term) return
    if (this.#connection.status === 'connected') this.#step({ kind: 'tick' })
    this.after(this.world.settings.tickMs, () => this.#tick(term))
  }
}

function answerOf(operation: LeaseOperation, outcome: Outcome<unknown>): ElectionHappening {
  const happening = (): object => {
    if (outcome.kind === 'conflict') return { kind: 'conflict' }
    if (outcome.kind === 'failed') return { kind: 'failed', error: outcome.message }
    if (operation.kind === 'read') return { kind: 'read', entry: outcome.value }
    if (operation.kind === 'delete') return { kind: 'deleted' }
    return { kind: 'written', revision: outcome.value }
  }
  return happening() as ElectionHappening
}
