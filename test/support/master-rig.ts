import {
  type AgentHealth,
  type AgentInfo,
  type AgentTask,
  type Demand,
  type Envelope,
  type FrameworkInfo,
  type InverseOffer,
  LinkEnd,
  type Offer,
  type OfferConstraints,
  type Orphan,
  type Peer,
  protocolVersion,
  type Reply,
  type TaskStatus,
} from '@tender/sdk/protocol'
import { isTerminal, Resources } from '@tender/sdk/values'
import type { MasterCommand } from '../../master/core/commands.js'
import type { MasterInput } from '../../master/core/inputs.js'
import { Master } from '../../master/core/master.js'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import { defaultMasterSettings, type MasterSettings } from '../../master/core/state.js'
import type { ClusterEvent, StateView } from '../../master/core/view.js'
import { viewState } from '../../master/core/views.js'
import type { RegistryContent, RegistryRecord } from '../../master/registry/records.js'

/** Nobody is silent here: longer than any test. */
const neverMs = 1e12
const tickMs = 100

interface Received {
  readonly peer: string
  readonly kind: string
  readonly body: any
  readonly call: string | undefined
}

/** What else an agent says when it registers. */
interface Registering {
  readonly tasks?: readonly AgentTask[]
  readonly orphans?: readonly Orphan[]
  readonly health?: AgentHealth
  readonly starts?: number
}

/**
 * The master's core alone, spoken to by messages as they are on the wire. What it sends is written down; agents answer
 * what they are asked, frameworks do what the test says. The registry writes at once, or fails, or waits.
 */
export class MasterRig {
  nowMs = 0
  /** In which version of the protocol the peers speak. */
  version: number = protocolVersion
  /** Whether the registry writes; `waits`: until `writeNow`. */
  registry: 'writes' | 'fails' | 'waits' = 'writes'
  readonly records = new Map<string, RegistryRecord>()
  readonly received: Received[] = []
  readonly events: ClusterEvent[] = []
  /** Agents that answer nothing. */
  readonly deafAgents = new Set<string>()
  readonly #settings: MasterSettings
  readonly #links = new Map<string, LinkEnd>()
  readonly #agents = new Map<string, AgentInfo>()
  /** By agent, then framework and task: what it was told to launch, and has not ended. */
  readonly #tasks = new Map<string, Map<string, AgentTask>>()
  readonly #answers = new Map<string, Reply>()
  readonly #unwritten: (() => void)[] = []
  #master!: Master
  #epoch = 0
  #calls = 0

  constructor(settings: Partial<MasterSettings> = {}) {
    this.#settings = {
      ...defaultMasterSettings,
      agentTimeoutMs: neverMs,
      frameworkTimeoutMs: neverMs,
      ...settings,
    }
    this.elect()
  }

  /** A (new) leader, which knows what the registry holds and nothing else. */
  elect(): void {
    const epoch = ++this.#epoch
    const leadership = {
      cluster: 'test',
      masterId: `m${epoch}`,
      epoch,
      httpUrl: '',
      electedAtMs: this.nowMs,
      version: '',
    }
    this.#unwritten.length = 0
    this.#master = new Master(leadership, this.#content(), this.#settings)
  }

  get state(): StateView {
    return viewState(this.#master.state, this.nowMs)
  }

  get master(): Master {
    return this.#master
  }

  step(input: MasterInput): void {
    for (const command of this.#master.step({ ...input, now: this.nowMs })) this.#perform(command)
  }

  /** What has come at once: offers are made when all of it was handled. */
  stepTogether(inputs: readonly MasterInput[]): void {
    for (const input of inputs)
      for (const command of this.#master.handle({ ...input, now: this.nowMs })) this.#perform(command)
    for (const command of this.#master.offer(this.nowMs)) this.#perform(command)
  }

  advance(ms: number): void {
    const endMs = this.nowMs + ms
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + tickMs)
      this.step({ kind: 'tick' })
    }
  }

  /** Registers, or registers again in a new session with its tasks; without resources with those that it has by now. */
  agent(
    id: string,
    resources?: string,
    { tasks = [], orphans, health, starts, ...info }: Partial<AgentInfo> & Registering = {},
  ): void {
    const known = this.#agents.get(id)
    const agent: AgentInfo = {
      ...(known ?? {
        agentId: id,
        hostname: id,
        resources: {},
        attributes: {},
        containerizers: ['process'],
        version: 'test',
      }),
      ...info,
      ...(resources === undefined ? {} : { resources: Resources.parse(resources).toWire() }),
    }
    this.#agents.set(id, agent)
    const key = `agent ${id}`
    this.#links.set(key, new LinkEnd(`${id}-${++this.#calls}`))
    const running = [...(this.#tasks.get(id)?.values() ?? []), ...tasks]
    const more = {
      ...(orphans ? { orphans } : {}),
      ...(health ? { health } : {}),
      ...(starts ? { starts } : {}),
    }
    const body = { agent, tasks: running, received: nothing, ...more }
    this.send({ kind: 'agent', id }, 'register', body, 'register')
  }

  heartbeat(peer: Peer, more: object = {}): void {
    this.send(peer, 'heartbeat', { received: nothing, ...more })
  }

  /** What an agent runs is not there any more. */
  loseTasks(id: string): void {
    this.#tasks.delete(id)
  }

  framework(
    id: string,
    {
      demands,
      offerConstraints,
      ...info
    }: Partial<FrameworkInfo> & { demands?: readonly Demand[]; offerConstraints?: OfferConstraints } = {},
  ): Reply | undefined {
    const framework = { frameworkId: id, name: id, roles: ['*'], ...info }
    const key = `framework ${id}`
    if (!this.#links.has(key)) this.#links.set(key, new LinkEnd(`${id}-${++this.#calls}`))
    const body = {
      framework,
      startedAtMs: this.nowMs,
      received: nothing,
      ...(demands ? { demands } : {}),
      ...(offerConstraints ? { offerConstraints } : {}),
    }
    return this.call(id, 'subscribe', body)
  }

  /** A framework's call, and its answer if there is one yet. */
  call(frameworkId: string, kind: string, body: object, callId = `call-${++this.#calls}`): Reply | undefined {
    this.send({ kind: 'framework', id: frameworkId }, kind, body, callId)
    return this.answerTo(callId)
  }

  answerTo(callId: string): Reply | undefined {
    return this.received.findLast(each => each.kind === 'reply' && each.call === callId)?.body
  }

  /** An operator's call, and its answer if there is one yet. */
  operate(call: OperatorCall): Reply | undefined {
    const requestId = `request-${++this.#calls}`
    this.step({ kind: 'operator', requestId, call })
    return this.#answers.get(requestId)
  }

  /** What was asked of the registry while it waited. */
  writeNow(): void {
    this.registry = 'writes'
    for (const write of this.#unwritten.splice(0)) write()
  }

  /** Outstanding offers of a framework. */
  offersTo(frameworkId: string): Offer[] {
    return [...this.#master.state.offers.values()]
      .map(({ offer }) => offer)
      .filter(offer => offer.frameworkId === frameworkId)
  }

  /** The same as texts: `a1 role: resources`. */
  offered(frameworkId: string): string[] {
    return this.offersTo(frameworkId).map(
      ({ agentId, role, resources }) => `${agentId} ${role}: ${String(Resources.fromWire(resources))}`,
    )
  }

  /** Bodies of the messages of one kind that a peer has got. */
  sent<T = any>(peer: string, kind: string): T[] {
    return this.received.filter(each => each.peer === peer && each.kind === kind).map(({ body }) => body)
  }

  inverseOffers(frameworkId: string): InverseOffer[] {
    return this.sent(`framework ${frameworkId}`, 'inverse-offers').flatMap(body => body.inverseOffers)
  }

  /** Accepts all the offers of an agent, and gives back the rest without a filter unless told. */
  accept(frameworkId: string, agentId: string, body: object, callId?: string): Reply | undefined {
    const offerIds = this.offersTo(frameworkId)
      .filter(offer => offer.agentId === agentId)
      .map(({ offerId }) => offerId)
    return this.call(
      frameworkId,
      'accept',
      { offerIds, operations: [], filter: { refuseMs: 0 }, ...body },
      callId,
    )
  }

  /** An agent tells of a task. */
  update(
    agentId: string,
    status: Pick<TaskStatus, 'frameworkId' | 'taskId' | 'state'> & Partial<TaskStatus>,
  ): void {
    if (isTerminal(status.state)) this.#tasks.get(agentId)?.delete(`${status.frameworkId}/${status.taskId}`)
    this.send({ kind: 'agent', id: agentId }, 'update', {
      status: { agentId, sequence: 1, timestampMs: this.nowMs, source: 'agent', ...status },
    })
  }

  send(peer: Peer, kind: string, body: object, call?: string): void {
    this.step(this.inputOf(peer, kind, body, call))
  }

  /** What a peer says next. */
  inputOf(peer: Peer, kind: string, body: object, call?: string): MasterInput {
    const link = this.#links.get(`${peer.kind} ${peer.id}`)
    if (!link) throw new Error(`${peer.kind} ${peer.id} is not there`)
    link.version = this.version
    const envelope = link.wrap(kind, body, this.#epoch, call === undefined ? {} : { call })
    const input =
      peer.kind === 'agent'
        ? { kind: 'agent-message', agentId: peer.id, message: envelope }
        : { kind: 'framework-message', frameworkId: peer.id, message: envelope }
    return input as unknown as MasterInput
  }

  #perform(command: MasterCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#receive(command.peer, command.envelope)
      case 'store':
        if (this.registry === 'waits') this.#unwritten.push(() => this.#write(command))
        else this.#write(command)
        return
      case 'answer':
        this.#answers.set(command.requestId, command.reply)
        return
      case 'event':
        this.events.push(command.event)
        return
      case 'log':
        return
    }
  }

  #write({ ticket, records }: Extract<MasterCommand, { kind: 'store' }>): void {
    if (this.registry === 'fails') return this.step({ kind: 'stored', ticket, error: 'the disk is full' })
    for (const record of records) {
      const key = `${record.kind}.${record.id}`
      if (record.value === undefined) this.records.delete(key)
      else this.records.set(key, structuredClone(record))
    }
    this.step({ kind: 'stored', ticket })
  }

  #receive(peer: Peer, { kind, body, call }: Envelope): void {
    this.received.push({ peer: `${peer.kind} ${peer.id}`, kind, body, call })
    const agent = peer.kind === 'agent' ? this.#agents.get(peer.id) : undefined
    if (!agent || call === undefined || kind === 'reply' || this.deafAgents.has(peer.id)) return
    if (kind === 'launch') this.#launch(peer.id, body)
    if (kind === 'set-resources') this.#agents.set(peer.id, { ...agent, ...(body as object) })
    this.send(peer, 'reply', { ok: true }, call)
  }

  #launch(agentId: string, { frameworkId, role, task }: any): void {
    const { taskId, resources } = task
    const running: AgentTask = {
      frameworkId,
      taskId,
      role,
      resources,
      state: 'RUNNING',
      launchedAtMs: this.nowMs,
    }
    const tasks = this.#tasks.get(agentId) ?? new Map<string, AgentTask>()
    this.#tasks.set(agentId, tasks.set(`${frameworkId}/${taskId}`, running))
  }

  #content(): RegistryContent {
    const of = (kind: RegistryRecord['kind']) =>
      [...this.records.values()].filter(record => record.kind === kind).map(record => record.value)
    return {
      agents: of('agent'),
      frameworks: of('framework'),
      roles: of('role'),
      cluster: of('cluster')[0],
    } as unknown as RegistryContent
  }
}

const nothing = { session: '', sequence: 0 }

/** A task of a process, as it stands in an accept. */
export function taskOf(taskId: string, resources: string): object {
  return { taskId, resources: Resources.parse(resources).toWire(), shell: 'sleep 1000' }
}

/** An operation of an accept. */
export function operationOf(kind: string, resources: string): object {
  return { kind, resources: Resources.parse(resources).toWire() }
}

export function launchOf(...tasks: object[]): object {
  return { kind: 'launch', tasks }
}
