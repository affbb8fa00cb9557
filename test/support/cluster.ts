import {
  type AgentInfo,
  agentToLeader,
  decoder,
  encode,
  type FrameworkInfo,
  frameworkToLeader,
  leaderToAgent,
  leaderToEveryone,
  LinkEnd,
  oldestProtocolVersion,
  type Peer,
  type Reply,
  Subjects,
  type TaskStatus,
} from '@tender/sdk/protocol'
import { Resources, Scheduler, type SchedulerHandlers } from '@tender/sdk'
import { MemoryBroker, type MemoryTransport, VirtualClock } from '@tender/sdk/testing'
import type { ContainerExit } from '../../agent/containerizer/containerizer.js'
import { Agent } from '../../agent/core/agent.js'
import type { AgentCommand } from '../../agent/core/commands.js'
import type { AgentInput } from '../../agent/core/inputs.js'
import type { AgentTaskState } from '../../agent/core/task.js'
import type { MasterCommand } from '../../master/core/commands.js'
import type { MasterInput } from '../../master/core/inputs.js'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import { Master } from '../../master/core/master.js'
import { defaultMasterSettings, type MasterSettings } from '../../master/core/state.js'
import type { ClusterEvent, StateView } from '../../master/core/view.js'
import { viewState } from '../../master/core/views.js'
import type { RegistryContent, RegistryRecord } from '../../master/registry/records.js'

const subjects = new Subjects('test')
const tickMs = 100
/** Time that a message takes: enough to tell before from after. */
const messageMs = 1

/**
 * A whole cluster of real cores in one process, under virtual time: the master, agents with containers that the test
 * starts and ends, and schedulers of the real SDK.
 */
export class TestCluster {
  readonly clock = new VirtualClock(1_000_000)
  readonly broker = new MemoryBroker(this.clock, messageMs)
  readonly registry = new Map<string, RegistryRecord>()
  readonly events: ClusterEvent[] = []
  readonly agents = new Map<string, TestAgent>()
  readonly schedulers: TestScheduler[] = []
  /** Makes the connection of a process that starts, to which it may do something. */
  connect: (who: Peer['kind'] | 'leader') => MemoryTransport = () => this.broker.connect()
  /** The registry answers nothing while this holds. */
  registryIsAway = false
  readonly #answers = new Map<string, Reply>()
  #requests = 0
  readonly #settings: MasterSettings
  #master: Master | undefined
  #masterTransport: MemoryTransport | undefined
  #epoch = 0

  constructor(settings: Partial<MasterSettings> = {}) {
    this.#settings = { ...defaultMasterSettings, ...settings }
  }

  get master(): Master {
    if (!this.#master) throw new Error('no master leads')
    return this.#master
  }

  get state(): StateView {
    return viewState(this.master.state, this.clock.now())
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Elects a (new) leader, which knows what the registry holds and nothing else. */
  elect(): void {
    this.killMaster()
    const epoch = ++this.#epoch
    const transport = this.connect('leader')
    const leadership = {
      cluster: 'test',
      masterId: `m${epoch}`,
      epoch,
      httpUrl: '',
      electedAtMs: this.clock.now(),
      version: '',
    }
    const master = new Master(leadership, this.#content(), this.#settings)
    this.#master = master
    this.#masterTransport = transport
    const [decodeAgent, decodeFramework] = [decoder(agentToLeader), decoder(frameworkToLeader)]
    for (const subject of subjects.allToLeader) {
      transport.subscribe(subject, (bytes, at) => {
        const peer = subjects.peerOf(at)
        if (!peer) return
        const decoded = peer.kind === 'agent' ? decodeAgent(bytes) : decodeFramework(bytes)
        if (!decoded.ok) return this.step({ kind: 'bad-message', peer, ...decoded })
        const { message } = decoded
        if (peer.kind === 'agent')
          this.step({ kind: 'agent-message', agentId: peer.id, message } as MasterInput)
        else this.step({ kind: 'framework-message', frameworkId: peer.id, message } as MasterInput)
      })
    }
    const link = new LinkEnd(`m${epoch}`, oldestProtocolVersion)
    const beacon = () => {
      if (this.#master !== master) return
      transport.publish(subjects.leader, encode(link.wrap('beacon', master.beacon(), epoch)))
      this.clock.setTimer(1_000, beacon)
    }
    const tick = () => {
      if (this.#master !== master) return
      this.step({ kind: 'tick' })
      this.clock.setTimer(tickMs, tick)
    }
    beacon()
    tick()
  }

  killMaster(): void {
    void this.#masterTransport?.close()
    this.#master = undefined
  }

  step(input: MasterInput): void {
    const master = this.#master
    if (!master) return
    for (const command of master.step({ ...input, now: this.clock.now() })) this.#perform(master, command)
  }

  #perform(master: Master, command: MasterCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#masterTransport?.publish(subjects.toPeer(command.peer), encode(command.envelope))
      case 'store':
        if (this.registryIsAway) return
        this.clock.setTimer(0, () => {
          for (const record of command.records) this.#write(record)
          if (this.#master === master) this.step({ kind: 'stored', ticket: command.ticket })
        })
        return
      case 'event':
        this.events.push(command.event)
        return
      case 'answer':
        this.#answers.set(command.requestId, command.reply)
        return
      case 'log':
        return
    }
  }

  #write(record: RegistryRecord): void {
    const key = `${record.kind}.${record.id}`
    if (record.value === undefined) this.registry.delete(key)
    else this.registry.set(key, record)
  }

  #content(): RegistryContent {
    const of = (kind: RegistryRecord['kind']) =>
      [...this.registry.values()].filter(record => record.kind === kind).map(record => record.value)
    return {
      agents: of('agent'),
      frameworks: of('framework'),
      roles: of('role'),
      cluster: of('cluster')[0],
    } as unknown as RegistryContent
  }

  /** An operator's call, and its answer if there is one by then. */
  async operate(call: OperatorCall): Promise<Reply | undefined> {
    const requestId = `request-${++this.#requests}`
    this.step({ kind: 'operator', requestId, call })
    await this.advance(10)
    return this.#answers.get(requestId)
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  /** An agent that has registered. */
  async agent(
    id: string,
    resources: string,
    attributes: Record<string, string | number> = {},
  ): Promise<TestAgent> {
    const agent = new TestAgent(this, id, resources, attributes)
    this.agents.set(id, agent)
    agent.start()
    await this.advance(10)
    return agent
  }

  /** A framework that has subscribed, and has seen what it was offered at once. */
  async framework(
    id: string,
    options: Partial<FrameworkInfo> & { suppressedRoles?: string[] } & SchedulerHandlers = {},
  ): Promise<TestScheduler> {
    const scheduler = new TestScheduler(this, id, options)
    this.schedulers.push(scheduler)
    await this.advance(10)
    return scheduler
  }
}

/** An agent whose containers do what the test says. */
export class TestAgent {
  readonly id: string
  /** Tasks that were started, and not ended, by the key of their containers. */
  readonly running = new Set<string>()
  readonly started: string[] = []
  readonly stopped: string[] = []
  readonly checkpoint = new Map<string, AgentTaskState>()
  /** Its resources as the leader has last changed them. */
  checkpointedResources: Pick<AgentInfo, 'resources' | 'resourcesRevision'> | undefined
  /** Why it has given up, if it has. */
  gaveUp = ''
  /** When false, a start neither succeeds nor fails until the test says so. */
  startsAtOnce = true
  readonly #cluster: TestCluster
  readonly #resources: string
  readonly #attributes: Record<string, string | number>
  transport!: MemoryTransport
  #core: Agent | undefined
  #lives = 0

  constructor(
    cluster: TestCluster,
    id: string,
    resources: string,
    attributes: Record<string, string | number>,
  ) {
    this.#cluster = cluster
    this.id = id
    this.#resources = resources
    this.#attributes = attributes
  }

  /** Also after `crash`: with what was checkpointed, and the containers that still run. */
  start(): void {
    const { clock } = this.#cluster
    this.transport = this.#cluster.connect('agent')
    const info = {
      agentId: this.id,
      hostname: `${this.id}.test`,
      resources: Resources.parse(this.#resources).toWire(),
      attributes: this.#attributes,
      containerizers: ['docker', 'process'] as const,
      version: 'test',
      ...this.checkpointedResources,
    }
    const core = new Agent(
      { info, session: `${this.id}-${++this.#lives}` },
      structuredClone([...this.checkpoint.values()]),
    )
    this.#core = core
    const [decode, decodeBeacon] = [decoder(leaderToAgent), decoder(leaderToEveryone)]
    this.transport.subscribe(subjects.toPeer(this.#self), bytes => {
      const decoded = decode(bytes)
      if (decoded.ok) this.step({ kind: 'message', message: decoded.message })
      else this.step({ kind: 'bad-message', error: decoded.error })
    })
    this.transport.subscribe(subjects.leader, bytes => {
      const decoded = decodeBeacon(bytes)
      if (decoded.ok) this.step({ kind: 'beacon', epoch: decoded.message.epoch, ...decoded.message.body })
    })
    this.transport.onStatus(status => {
      if (status === 'connected') this.step({ kind: 'reconnected' })
    })
    const found = [...this.checkpoint.values()].filter(task =>
      this.running.has(`${task.frameworkId}/${task.info.taskId}`),
    )
    this.step({
      kind: 'recovered',
      running: found.map(task => containerOf(task.frameworkId, task.info.taskId)),
    })
    for (const task of this.checkpoint.values()) {
      if (this.running.has(`${task.frameworkId}/${task.info.taskId}`)) continue
      this.step({
        kind: 'exited',
        exit: { frameworkId: task.frameworkId, taskId: task.info.taskId, outOfMemory: false },
      })
    }
    const tick = () => {
      if (this.#core !== core) return
      this.step({ kind: 'tick' })
      clock.setTimer(tickMs, tick)
    }
    tick()
  }

  /** The process is gone; containers run on. */
  crash(): void {
    this.#core = undefined
    void this.transport.close()
  }

  step(input: AgentInput): void {
    for (const command of this.#core?.step({ ...input, now: this.#cluster.clock.now() }) ?? [])
      this.#perform(command)
  }

  exit(frameworkId: string, taskId: string, exit: Partial<ContainerExit> = { exitCode: 0 }): void {
    this.running.delete(`${frameworkId}/${taskId}`)
    this.step({ kind: 'exited', exit: { frameworkId, taskId, outOfMemory: false, ...exit } })
  }

  #perform(command: AgentCommand): void {
    switch (command.kind) {
      case 'checkpoint':
        this.checkpoint.set(
          `${command.task.frameworkId}/${command.task.info.taskId}`,
          structuredClone(command.task),
        )
        return
      case 'checkpoint-resources':
        this.checkpointedResources = { resources: command.resources, resourcesRevision: command.revision }
        return
      case 'checkpoint-again':
        return this.step({ kind: 'stored-again' })
      case 'forget':
        this.checkpoint.delete(`${command.task.frameworkId}/${command.task.taskId}`)
        return
      case 'send':
        return this.transport.publish(subjects.toLeader(this.#self), encode(command.envelope))
      case 'start': {
        const { frameworkId, info } = command
        this.started.push(info.taskId)
        if (!this.startsAtOnce) return
        this.running.add(`${frameworkId}/${info.taskId}`)
        return this.step({ kind: 'started', container: containerOf(frameworkId, info.taskId) })
      }
      case 'stop': {
        const { frameworkId, taskId } = command.task
        this.stopped.push(taskId)
        if (this.running.has(`${frameworkId}/${taskId}`)) this.exit(frameworkId, taskId, { exitCode: 143 })
        return
      }
      case 'read-log': {
        const { call, frameworkId, taskId, offset } = command
        const chunk = { offset, size: offset, data: new Uint8Array() }
        return this.step({ kind: 'log-read', call, task: { frameworkId, taskId }, chunk })
      }
      case 'give-up':
        this.gaveUp = command.reason
        return
      case 'remove':
      case 'remove-orphan':
      case 'log':
        return
    }
  }

  get #self(): Peer {
    return { kind: 'agent', id: this.id }
  }
}

function containerOf(frameworkId: string, taskId: string) {
  return { frameworkId, taskId, handle: { kind: 'docker' as const, containerId: `c-${taskId}` } }
}

/** A scheduler of the SDK that writes down what it is told. */
export class TestScheduler {
  readonly id: string
  readonly updates: TaskStatus[] = []
  readonly rescinded: string[] = []
  readonly failures: string[] = []
  /** Offers that it has got and neither answered nor lost, oldest first. */
  offers: Parameters<NonNullable<SchedulerHandlers['offers']>>[0][number][] = []
  readonly scheduler: Scheduler
  readonly transport: MemoryTransport

  constructor(
    cluster: TestCluster,
    id: string,
    options: Partial<FrameworkInfo> & { suppressedRoles?: string[] } & SchedulerHandlers,
  ) {
    this.id = id
    this.transport = cluster.connect('framework')
    const { suppressedRoles, offers, update, rescinded, subscribed, disconnected, failed, ...info } = options
    this.scheduler = new Scheduler(
      {
        nats: this.transport,
        cluster: 'test',
        clock: cluster.clock,
        framework: { frameworkId: id, name: id, roles: ['*'], ...info },
        ...(suppressedRoles ? { suppressedRoles } : {}),
        ...(subscribed ? { subscribed } : {}),
        ...(disconnected ? { disconnected } : {}),
        offers: async (list, scheduler) => {
          this.offers.push(...list)
          await offers?.(list, scheduler)
        },
        update: async (status, scheduler) => {
          this.updates.push(status)
          await update?.(status, scheduler)
        },
        rescinded: (offerIds, reason) => {
          this.rescinded.push(...offerIds)
          this.offers = this.offers.filter(offer => !offerIds.includes(offer.offerId))
          rescinded?.(offerIds, reason)
        },
        failed: (code, message) => {
          this.failures.push(code)
          failed?.(code, message)
        },
      },
      this.transport,
      { debug() {}, info() {}, warn() {}, error: message => this.failures.push(message), with: () => log },
    )
    const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log }
    this.scheduler.whenSubscribed.catch(() => {})
  }

  /** What it has been told of a task: the states in order. */
  states(taskId: string): string[] {
    return this.updates.filter(status => status.taskId === taskId).map(status => status.state)
  }

  /** The resources of the offers that it holds, as text, by agent. */
  offered(): Record<string, string> {
    return Object.fromEntries(this.offers.map(offer => [offer.agentId, String(offer.resources)]))
  }

  /** Takes the offer that it holds, or the one of an agent. */
  take(agentId?: string) {
    const index = this.offers.findIndex(offer => agentId === undefined || offer.agentId === agentId)
    const [offer] = index < 0 ? [] : this.offers.splice(index, 1)
    if (!offer) throw new Error(`${this.id} holds no offer${agentId === undefined ? '' : ` of ${agentId}`}`)
    return offer
  }
}

/** What a promise came to, for calls that are answered only when time moves on. */
export async function outcome<T>(cluster: TestCluster, call: Promise<T>): Promise<T | string> {
  const settled = call.catch((error: { code?: string; message: string }) => `${error.code}: ${error.message}`)
  await cluster.advance(10)
  return await settled
}
