import type { LogChunk, Reply } from '@tender/sdk/protocol'
import type { Clock, Transport } from '@tender/sdk/runtime'
import type { LogRequest } from './core/inputs.js'
import type { Master } from './core/master.js'
import type { MasterState } from './core/state.js'
import type { OperatorCall } from './core/operator-calls.js'
import type { Explanation, LeaderView } from './core/view.js'
import * as view from './core/views.js'
import type { LeaderAddress } from './election/lease.js'
import { countStates, type ExplainQuery, type MasterPort, type StateCounts } from './http/index.js'
import { version } from './version.js'

interface Sources {
  readonly clock: Clock
  readonly transport: Transport
  /** The leading core; none while another master leads. */
  readonly core: () => Master | undefined
  readonly readLog: (request: LogRequest) => Promise<LogChunk>
  readonly operate: (call: OperatorCall) => Promise<Reply>
}

/** Reads the core's state for the web endpoint. */
export class MasterReader implements MasterPort {
  readonly #sources: Sources
  #other: LeaderView | undefined

  constructor(sources: Sources) {
    this.#sources = sources
  }

  /** Another master leads, or none is known. */
  follow(leader: LeaderAddress | undefined, cluster: string): void {
    this.#other = leader && { ...leader, cluster, isLeader: false, epoch: 0, electedAtMs: 0, version }
  }

  isLeader(): boolean {
    return this.#sources.core() !== undefined
  }

  leader(): LeaderView | undefined {
    const core = this.#sources.core()
    return core ? view.viewLeader(core.state) : this.#other
  }

  problems(): readonly string[] {
    return this.#sources.transport.status === 'connected' ? [] : ['not connected to NATS']
  }

  state() {
    return view.viewState(this.#core, this.#now)
  }

  agents() {
    return view.viewAgents(this.#core)
  }

  agent(agentId: string) {
    const agent = this.#core.agents.get(agentId)
    return agent && view.viewAgent(this.#core, agent)
  }

  frameworks() {
    return view.viewFrameworks(this.#core)
  }

  framework(frameworkId: string) {
    const framework = this.#core.frameworks.get(frameworkId)
    return framework && view.viewFramework(this.#core, framework)
  }

  completedFrameworks() {
    return view.viewCompletedFrameworks(this.#core)
  }

  roles() {
    return view.viewRoles(this.#core)
  }

  role(role: string) {
    return view.knowsRole(this.#core, role) ? view.viewRole(this.#core, role) : undefined
  }

  offers() {
    return view.viewOffers(this.#core, this.#now)
  }

  offer(offerId: string) {
    const state = this.#core
    const record =
      state.offers.get(offerId) ?? state.endedOffers.findLast(ended => ended.offer.offerId === offerId)
    return record && view.viewOffer(state, record, this.#now)
  }

  tasks() {
    return view.viewTasks(this.#core)
  }

  tasksOfId(taskId: string) {
    const state = this.#core
    return [...state.tasks.values(), ...state.endedTasks.values()]
      .filter(task => task.taskId === taskId)
      .map(task => view.viewTask(state, task))
  }

  counts(): StateCounts {
    const { agents, frameworks, tasks, endedTasks, offers } = this.#core
    let unwellAgents = 0
    for (const { problem } of agents.values()) if (problem !== undefined) unwellAgents++
    return {
      agents: countStates(agents.values()),
      unwellAgents,
      frameworks: countStates(frameworks.values()),
      tasks: countStates(tasks.values(), endedTasks.values()),
      outstandingOffers: offers.size,
    }
  }

  allocatorSeries() {
    return this.#core.allocator.series()
  }

  explain({ frameworkId, ...options }: ExplainQuery): Explanation | undefined {
    const { frameworks, allocator } = this.#core
    return frameworks.has(frameworkId) ? allocator.explain(this.#now, frameworkId, options) : undefined
  }

  operate(call: OperatorCall): Promise<Reply> {
    return this.#sources.operate(call)
  }

  readLog(
    task: { readonly frameworkId: string; readonly taskId: string },
    stream: 'stdout' | 'stderr',
    offset: number,
    maxBytes: number,
  ): Promise<LogChunk> {
    return this.#sources.readLog({ ...task, stream, offset, maxBytes })
  }

  get #core(): MasterState {
    const core = this.#sources.core()
    if (!core) throw new Error('only a leader is read')
    return core.state
  }

  get #now(): number {
    return this.#sources.clock.now()
  }
}
