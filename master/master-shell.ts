import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  agentToLeader,
  beaconIntervalMs,
  decoder,
  encode,
  frameworkToLeader,
  LinkEnd,
  oldestProtocolVersion,
  type Peer,
  type LogChunk,
  ProtocolError,
  warmUp,
  Subjects,
} from '@tender/sdk/protocol'
import {
  type CancelTimer,
  type Clock,
  describeError,
  type KeyValueStore,
  type Log,
  type Random,
  StoreConflictError,
  type Transport,
} from '@tender/sdk/runtime'
import type { MasterCommand } from './core/commands.js'
import type { MasterInput } from './core/inputs.js'
import { Master } from './core/master.js'
import { defaultMasterSettings } from './core/state.js'
import { viewLeader } from './core/views.js'
import { Elector } from './election/elector.js'
import { Standstill } from './election/standstill.js'
import {
  createHttpServer,
  createMetrics,
  EventHub,
  type HttpServer,
  type MasterMetrics,
} from './http/index.js'
import { Inbox } from './inbox.js'
import { LastInputs } from './last-inputs.js'
import { MasterReader } from './master-reader.js'
import { OfferTurns } from './offer-turns.js'
import { RegistryMirror } from './registry/mirror.js'
import type { RegistryContent } from './registry/records.js'
import { NewerRecordError, Registry } from './registry/registry.js'
import { Requests, resultOf } from './requests.js'
import { SliceSize } from './slice-size.js'
import { version } from './version.js'
import type { MasterOptions, RunningMaster } from './start-master.js'

const tickMs = 100
/** When a process that has started has nothing more urgent to do. */
const warmUpAfterMs = 1_000
/** A new leader that cannot read the registry for so long lets another master try. */
const registryTimeoutMs = 20_000
/** An agent that has not answered by then is slow or away. */
const logTimeoutMs = 5_000
/** As long as the registry may take. */
const operatorTimeoutMs = 10_000

interface MasterSurroundings {
  readonly transport: Transport
  readonly registry: KeyValueStore
  readonly lease: KeyValueStore
  readonly clock: Clock
  readonly random: Random
}

/** What exists only while this master leads. */
interface Term {
  readonly core: Master
  readonly registry: Registry
  readonly epoch: number
  readonly lastInputs: LastInputs
  readonly offers: OfferTurns
  readonly sliceSize: SliceSize
  readonly standstill: Standstill
  /** Writes to the registry, one after another, so that they arrive in the order of the decisions. */
  writes: Promise<void>
}

/** What a peer has sent, in the term in which it came. */
interface Arrived {
  readonly peer: Peer
  readonly bytes: Uint8Array
  readonly term: Term
}

/** Joins the core with NATS, the registry, the election and the web endpoint. */
export class MasterShell {
  readonly #options: MasterOptions
  readonly #around: MasterSurroundings
  readonly #log: Log
  readonly #masterId: string
  readonly #subjects: Subjects
  readonly #hub: EventHub
  readonly #reader: MasterReader
  readonly #metrics: MasterMetrics
  readonly #requests: Requests
  readonly #beaconLink: LinkEnd
  #http: HttpServer | undefined
  #elector: Elector | undefined
  #httpUrl = ''
  #term: Term | undefined
  /** While this master does not lead. */
  #mirror: RegistryMirror | undefined
  readonly #later: { readonly term: Term; readonly command: MasterCommand }[] = []
  #cancelTimers: CancelTimer[] = []
  #stopped = false

  constructor(options: MasterOptions, around: MasterSurroundings) {
    this.#options = options
    this.#around = around
    this.#masterId = around.random.hex(8)
    this.#log = options.log.with({ masterId: this.#masterId })
    this.#subjects = new Subjects(options.cluster)
    this.#hub = new EventHub()
    // Heard by all, of whatever version.
    this.#beaconLink = new LinkEnd(this.#masterId, oldestProtocolVersion)
    this.#requests = new Requests(around.clock)
    this.#reader = new MasterReader({
      clock: around.clock,
      transport: around.transport,
      core: () => this.#term?.core,
      readLog: async request => {
        const late = `the agent did not answer within ${logTimeoutMs} ms`
        const reply = await this.#requests.ask('log', logTimeoutMs, late, requestId =>
          this.#step({ kind: 'read-log', requestId, request }),
        )
        return resultOf(reply) as LogChunk
      },
      operate: call => {
        const late = `the registry did not answer within ${operatorTimeoutMs} ms; whether it was done is not known`
        return this.#requests.ask('operator', operatorTimeoutMs, late, requestId =>
          this.#step({ kind: 'operator', requestId, call }),
        )
      },
    })
    this.#metrics = createMetrics(this.#reader, this.#hub)
  }

  async start(): Promise<RunningMaster> {
    const { clock, lease, transport } = this.#around
    this.#http = createHttpServer({
      master: this.#reader,
      hub: this.#hub,
      metrics: this.#metrics,
      clock,
      log: this.#log,
      version,
      webDir: fileURLToPath(new URL('./web', import.meta.url)),
    })
    const address = await this.#http.listen(this.#options.host, this.#options.port)
    this.#httpUrl = this.#options.advertiseUrl ?? `http://${address.host}:${address.port}`
    this.#log.info(`master answers at ${this.#httpUrl}`)
    this.#listen()
    transport.onStatus(status => {
      if (status !== 'closed') this.#log.warn(`NATS is ${status}`)
      if (status === 'connected') this.#step({ kind: 'reconnected' })
    })
    this.#beginMirror()
    this.#elector = new Elector({
      store: lease,
      self: { masterId: this.#masterId, httpUrl: this.#httpUrl },
      leaseMs: this.#options.leaseMs,
      clock,
      log: this.#log,
      events: {
        elected: epoch => void this.#lead(epoch),
        deposed: reason => this.#follow(reason),
        following: leader => this.#reader.follow(leader, this.#options.cluster),
      },
    })
    this.#elector.start()
    return { masterId: this.#masterId, httpUrl: this.#httpUrl, stop: () => this.#stop() }
  }

  async #lead(epoch: number): Promise<void> {
    const { clock, registry: store } = this.#around
    this.#reader.follow(undefined, this.#options.cluster)
    const registry = new Registry(store, this.#log, this.#mirror)
    try {
      const content = await this.#load(registry, epoch)
      if (!content || !this.#leads(epoch)) return
      this.#endMirror()
      const leadership = {
        cluster: this.#options.cluster,
        masterId: this.#masterId,
        epoch,
        httpUrl: this.#httpUrl,
        electedAtMs: clock.now(),
        version,
      }
      const { settings } = this.#options
      const allocator = { ...defaultMasterSettings.allocator, ...settings?.allocator }
      const core = new Master(leadership, content, { ...defaultMasterSettings, ...settings, allocator })
      const term: Term = {
        core,
        registry,
        epoch,
        lastInputs: new LastInputs(),
        offers: new OfferTurns(() => this.#offer(term)),
        sliceSize: new SliceSize(),
        standstill: new Standstill({
          clock,
          leaseMs: this.#options.leaseMs,
          check: async () => await this.#elector?.check(),
        }),
        writes: Promise.resolve(),
      }
      this.#term = term
      this.#requests.begin()
      this.#log.info('elected leader', {
        epoch,
        agents: content.agents.length,
        frameworks: content.frameworks.length,
      })
      this.#hub.begin(`${this.#masterId}-${epoch}`)
      this.#hub.publish({ kind: 'leader', timestampMs: clock.now(), leader: viewLeader(core.state) })
      this.#beacon(term)
      this.#tick(term)
    } catch (error) {
      this.#log.error('the registry could not be read', { error: describeError(error) })
      if (this.#leads(epoch)) this.#elector?.giveUp('the registry could not be read')
    }
  }

  #leads(epoch: number): boolean {
    return this.#elector?.epoch === epoch && !this.#stopped
  }

  /** Of several NATS servers, those of the registry may need longer than those of the lease after one has died. */
  async #load(registry: Registry, epoch: number): Promise<RegistryContent | undefined> {
    const giveUpAtMs = this.#around.clock.now() + registryTimeoutMs
    while (this.#leads(epoch)) {
      try {
        return await registry.load()
      } catch (error) {
        if (error instanceof NewerRecordError || this.#around.clock.now() >= giveUpAtMs) throw error
        this.#log.warn('the registry cannot be read; trying again', { error: describeError(error) })
      }
      await new Promise<void>(resolve => this.#around.clock.setTimer(tickMs, resolve))
    }
    return undefined
  }

  #beginMirror(): void {
    this.#mirror ??= new RegistryMirror(this.#around.registry, this.#around.clock)
  }

  /** A leader knows what it writes; what it was given is its own from here on. */
  #endMirror(): void {
    this.#mirror?.stop()
    this.#mirror = undefined
  }

  #follow(reason: string): void {
    if (this.#term) this.#log[this.#stopped ? 'info' : 'warn']('no longer leader', { reason })
    for (const cancel of this.#cancelTimers.splice(0)) cancel()
    this.#term?.offers.end()
    this.#term = undefined
    this.#reader.follow(undefined, this.#options.cluster)
    this.#requests.end()
    this.#hub.end()
    if (this.#stopped) this.#endMirror()
    else this.#beginMirror()
  }

  #listen(): void {
    const decodeAgent = decoder(agentToLeader)
    const decodeFramework = decoder(frameworkToLeader)
    const inbox = new Inbox<Arrived>(({ peer, bytes, term }) => {
      if (this.#term !== term) return
      if (peer.kind === 'agent') {
        const decoded = decodeAgent(bytes)
        if (decoded.ok)
          this.#message(peer, { kind: 'agent-message', agentId: peer.id, message: decoded.message })
        else this.#refuse(peer, decoded)
      } else {
        const decoded = decodeFramework(bytes)
        if (decoded.ok)
          this.#message(peer, { kind: 'framework-message', frameworkId: peer.id, message: decoded.message })
        else this.#refuse(peer, decoded)
      }
    })
    for (const subject of this.#subjects.allToLeader) {
      this.#around.transport.subscribe(subject, (bytes, at) => {
        const peer = this.#subjects.peerOf(at)
        if (peer && this.#term) inbox.take({ peer, bytes, term: this.#term })
      })
    }
    // A standby has the time for what would keep everybody waiting after a failover.
    this.#around.clock.setTimer(warmUpAfterMs, () => {
      if (this.#term) return
      warmUp(decodeAgent, agentToLeader)
      warmUp(decodeFramework, frameworkToLeader)
    })
  }

  /**
   * A peer that has seen a newer leader is refused; but no peer's word deposes this one. If another master was elected,
   * the next renewal of the lease, a quarter of a lease away at the most, finds out.
   */
  #message(peer: Peer, input: Extract<MasterInput, { kind: 'agent-message' | 'framework-message' }>): void {
    const { call, epoch } = input.message
    if (!this.#term || epoch <= this.#term.epoch) return this.#step(input)
    const problem = `the epoch of this leader is ${this.#term.epoch}, the message knows of ${epoch}`
    const error = new ProtocolError('stale-epoch', problem)
    this.#step({ kind: 'bad-message', peer, error, ...(call === undefined ? {} : { call }) })
  }

  #refuse(
    peer: Peer,
    { ok: _, ...bad }: Extract<ReturnType<ReturnType<typeof decoder>>, { ok: false }>,
  ): void {
    this.#step({ kind: 'bad-message', peer, ...bad })
  }

  #step(input: MasterInput): void {
    const term = this.#term
    if (!term || term.standstill.holds(() => this.#step(input))) return
    const timed = { ...input, now: this.#around.clock.now() }
    term.lastInputs.add(timed)
    this.#trying(term, () => this.#performAll(term, term.core.handle(timed)))
    term.offers.want()
  }

  /** @returns whether more are due at once */
  #offer(term: Term): boolean {
    if (term.standstill.holds(() => term.offers.want())) return false
    const { core, lastInputs, sliceSize } = term
    const offering = { now: this.#around.clock.now(), mostAgents: sliceSize.agents }
    const wereDue = core.hasMoreOffers
    lastInputs.offered(offering)
    const startedMs = performance.now()
    const hasMore = this.#trying(term, () => {
      const commands = core.offer(offering.now, offering.mostAgents)
      this.#performAll(term, commands)
      const tookMs = performance.now() - startedMs
      sliceSize.took(tookMs, core.hasMoreOffers)
      if (wereDue || commands.length > 0) this.#metrics.cycleTook(tookMs)
      return core.hasMoreOffers
    })
    return hasMore ?? false
  }

  #trying<T>(term: Term, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      term.offers.end()
      this.#options.onBug(this.#withLastInputs(term, error))
      return undefined
    }
  }

  /** What others wait for goes out before what people read: NATS sends when this turn of the event loop is over. */
  #performAll(term: Term, commands: readonly MasterCommand[]): void {
    for (const command of commands) {
      if (command.kind === 'send' || command.kind === 'store') this.#perform(term, command)
      else this.#performLater(term, command)
    }
  }

  /** A step has thrown, so the core is not to be trusted any more: what led to it is kept for whoever looks for the bug. */
  #withLastInputs({ epoch, lastInputs }: Term, cause: unknown): unknown {
    const dir = this.#options.bugDir ?? tmpdir()
    try {
      const path = lastInputs.write(dir, `tender-master-${this.#masterId}-${epoch}-bug`, cause)
      return new Error(`${describeError(cause)}; the last inputs are in ${path}`, { cause })
    } catch (error) {
      this.#log.error('the last inputs could not be written', { dir, error: describeError(error) })
      return cause
    }
  }

  #performLater(term: Term, command: MasterCommand): void {
    if (this.#later.length === 0) {
      setImmediate(() => {
        for (const next of this.#later.splice(0)) this.#perform(next.term, next.command)
      })
    }
    this.#later.push({ term, command })
  }

  #perform(term: Term, command: MasterCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#around.transport.publish(this.#subjects.toPeer(command.peer), encode(command.envelope))
      case 'store':
        return this.#store(term, command)
      case 'event':
        this.#hub.publish(command.event)
        return
      case 'answer':
        return this.#requests.answer(command.requestId, command.reply)
      case 'log':
        return this.#log[command.level](command.message, command.fields)
    }
  }

  #store(term: Term, { ticket, records }: Extract<MasterCommand, { kind: 'store' }>): void {
    term.writes = term.writes.then(async () => {
      // Of a term that is over: whoever leads now has read the registry, and would find it changed.
      if (this.#term !== term) return
      const error = await term.registry.write(records).catch((cause: unknown) => cause)
      if (this.#term !== term) return
      if (error instanceof StoreConflictError)
        return this.#elector?.stepDown('another leader wrote to the registry')
      this.#step({ kind: 'stored', ticket, ...(error === undefined ? {} : { error: describeError(error) }) })
    })
  }

  #beacon(term: Term): void {
    if (this.#term !== term || term.standstill.holds(() => this.#beacon(term))) return
    this.#around.transport.publish(
      this.#subjects.leader,
      encode(this.#beaconLink.wrap('beacon', term.core.beacon(), term.epoch)),
    )
    this.#cancelTimers[0] = this.#around.clock.setTimer(beaconIntervalMs, () => this.#beacon(term))
  }

  #tick(term: Term): void {
    if (this.#term !== term) return
    if (this.#around.transport.status === 'connected') this.#step({ kind: 'tick' })
    this.#cancelTimers[1] = this.#around.clock.setTimer(tickMs, () => this.#tick(term))
  }

  async #stop(): Promise<void> {
    this.#stopped = true
    const written = this.#term?.writes
    this.#follow('stopping')
    // The next leader must not read the registry before the last write has arrived there.
    await this.#within(this.#options.leaseMs, written)
    await this.#elector?.resign()
    await this.#http?.close()
    await this.#around.transport.close()
  }

  async #within(limitMs: number, done: Promise<void> | undefined): Promise<void> {
    if (!done) return
    await new Promise<void>(resolve => {
      const cancel = this.#around.clock.setTimer(limitMs, resolve)
      void done.then(() => {
        cancel()
        resolve()
      })
    })
  }
}
