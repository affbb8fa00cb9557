import { type LogChunk, ProtocolError, type Reply } from '@tender/sdk/protocol'
import { silentLog, systemClock } from '@tender/sdk/runtime'
import type { Series } from '../../master/allocator/types.js'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import type { Explanation, LeaderView, StateView } from '../../master/core/view.js'
import {
  countStates,
  createHttpServer,
  createMetrics,
  EventHub,
  type MasterMetrics,
  type MasterPort,
} from '../../master/http/index.js'
import { smallCluster } from './small-cluster.js'

/** A master without a cluster, for tests of its web endpoint: what it shows is set by the test. */
export class FakeMaster implements MasterPort {
  leads = true
  stateView: StateView = smallCluster()
  knownLeader: LeaderView | undefined = this.stateView.leader
  problemList: string[] = []
  /** The task's log by `<frameworkId>/<taskId>/<stream>`; a task that is not here has none. */
  readonly logs = new Map<string, { bytes: Buffer; ended: boolean }>()

  /** Answered to all that an operator asks; what was asked is kept. */
  reply: Reply = { ok: true, result: { changes: [] } }
  readonly asked: OperatorCall[] = []
  /** By framework; filtered by the query's role. */
  readonly explanations = new Map<string, Explanation>()

  series: readonly Series[] = []

  isLeader = () => this.leads
  leader = () => this.knownLeader
  problems = () => this.problemList
  state = () => this.stateView
  agents = () => this.stateView.agents
  agent = (id: string) => this.stateView.agents.find(agent => agent.agentId === id)
  frameworks = () => this.stateView.frameworks
  framework = (id: string) => this.stateView.frameworks.find(framework => framework.frameworkId === id)
  completedFrameworks = () => []
  roles = () => this.stateView.roles
  role = (name: string) => this.stateView.roles.find(role => role.role === name)
  offers = () => this.stateView.offers
  offer = (id: string) =>
    [...this.stateView.offers, ...this.stateView.recentOffers].find(offer => offer.offerId === id)
  tasks = () => this.stateView.tasks
  tasksOfId = (id: string) => this.stateView.tasks.filter(task => task.taskId === id)
  counts = () => ({
    agents: countStates(this.stateView.agents),
    unwellAgents: this.stateView.agents.filter(({ problem }) => problem !== undefined).length,
    frameworks: countStates(this.stateView.frameworks),
    tasks: countStates(this.stateView.tasks),
    outstandingOffers: this.stateView.offers.length,
  })
  allocatorSeries = () => this.series

  operate = async (call: OperatorCall) => {
    this.asked.push(call)
    return this.reply
  }

  explain: MasterPort['explain'] = ({ frameworkId, role }) => {
    const explanation = this.explanations.get(frameworkId)
    const roles = explanation?.roles.filter(each => role === undefined || each.role === role)
    return explanation && { ...explanation, roles: roles ?? [] }
  }

  readLog: MasterPort['readLog'] = async (task, stream, offset, maxBytes): Promise<LogChunk> => {
    const log = this.logs.get(`${task.frameworkId}/${task.taskId}/${stream}`)
    if (!log) throw new ProtocolError('agent-unavailable', 'agent agent-2 cannot be reached')
    const size = log.bytes.length
    const from = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size)
    return { offset: from, size, data: log.bytes.subarray(from, from + maxBytes), ended: log.ended }
  }
}

export interface FakeEndpoint {
  readonly master: FakeMaster
  readonly hub: EventHub
  readonly metrics: MasterMetrics
  readonly url: string
  close(): Promise<void>
}

/** The real web endpoint over a fake master, on a free port. */
export async function startFakeEndpoint(
  options: { webDir?: string; capacity?: number } = {},
): Promise<FakeEndpoint> {
  const master = new FakeMaster()
  const hub = new EventHub(options.capacity === undefined ? {} : { capacity: options.capacity })
  hub.begin('master-1-7')
  const metrics = createMetrics(master, hub)
  const server = createHttpServer({
    master,
    hub,
    metrics,
    clock: systemClock,
    log: silentLog,
    version: '0.1.0',
    webDir: options.webDir ?? '/nonexistent',
  })
  const { host, port } = await server.listen('127.0.0.1', 0)
  return { master, hub, metrics, url: `http://${host}:${port}`, close: () => server.close() }
}
