import {
  type AgentId,
  type AgentInfo,
  type AgentTask,
  type agentToLeader,
  type MessageOf,
  ProtocolError,
} from '@tender/sdk/protocol'
import { isTerminal, Resources } from '@tender/sdk/values'
import { recordVersion } from '../registry/records.js'
import { callAgent, sendCall } from './agent-calls.js'
import type { Agent, Task } from './state.js'
import { taskKey } from './state.js'
import { applyStatus, endTask, masterStatus } from './status-update.js'
import { rescindOffersOf } from './offers.js'
import { done, type Turn } from './turn.js'
import { viewAgent } from './views.js'

type Register = Extract<MessageOf<typeof agentToLeader>, { kind: 'register' }>

/** An agent comes, or comes back, with all that it runs. It is admitted once the registry knows it. */
export function register(turn: Turn, agentId: AgentId, message: Register): void {
  const { agent: info } = message.body
  const known = turn.state.agents.get(agentId)
  let total: Resources
  try {
    total = checkedTotal(agentId, info)
  } catch (error) {
    const refusal = new ProtocolError('invalid-agent', (error as Error).message)
    turn.log('warn', 'an agent was refused', { agentId, error: refusal.message })
    const { session, call } = message
    return turn.refuse({ kind: 'agent', id: agentId }, refusal, {
      to: session,
      ...(call === undefined ? {} : { call }),
    })
  }
  const isAsStored =
    known && known.state !== 'unreachable' && JSON.stringify(known.info) === JSON.stringify(info)
  if (isAsStored) return admit(turn, known, message, total)
  const registeredAtMs = known?.registeredAtMs ?? turn.now
  const value = { v: recordVersion, agent: info, state: 'registered' as const, registeredAtMs }
  turn.store([{ kind: 'agent', id: agentId, value }], (later, error) => {
    if (error !== undefined) {
      // The agent asks again until it is answered.
      return later.log('error', 'the registry could not store an agent', { agentId, error })
    }
    const agent = later.state.agents.get(agentId) ?? newAgent(agentId, info, total, registeredAtMs)
    later.state.agents.set(agentId, agent)
    admit(later, agent, message, total)
  })
}

/** @throws Error naming what of the agent's resources is impossible */
function checkedTotal(agentId: AgentId, info: AgentInfo): Resources {
  if (info.agentId !== agentId) {
    throw new RangeError(`agentId must be the one of the subject, ${agentId}, got ${info.agentId}`)
  }
  const total = Resources.fromWire(info.resources)
  if (total.isEmpty) throw new RangeError('resources must hold something to offer, got nothing')
  for (const name of ['cpus', 'mem', 'disk', 'gpus']) {
    const kind = total.get(name)?.kind ?? 'scalar'
    if (kind !== 'scalar') throw new RangeError(`resources: ${name} must be a number, got ${kind}`)
  }
  const ports = total.get('ports')
  if (ports && ports.kind !== 'ranges')
    throw new RangeError(`resources: ports must be ranges, got a ${ports.kind}`)
  const outside = total.ranges('ports').find(([begin, end]) => begin < 1 || end > 65_535)
  if (outside)
    throw new RangeError(`resources: ports must be from 1 to 65535, got ${outside[0]}-${outside[1]}`)
  return total
}

function newAgent(agentId: AgentId, info: AgentInfo, total: Resources, registeredAtMs: number): Agent {
  return {
    agentId,
    info,
    total,
    state: 'recovering',
    session: '',
    link: undefined,
    registeredAtMs,
    heardAtMs: registeredAtMs,
    unreachableAtMs: undefined,
    calls: new Map(),
  }
}

function admit(turn: Turn, agent: Agent, message: Register, total: Resources): void {
  const { state } = turn
  const attributesChanged =
    JSON.stringify(agent.info.attributes) !== JSON.stringify(message.body.agent.attributes)
  const isChanged =
    !agent.total.equals(total) || attributesChanged || agent.info.hostname !== message.body.agent.hostname
  const wasRegistered = agent.state === 'registered'
  if (isChanged) rescindOffersOf(turn, agent.agentId, 'the agent has changed')
  const wasUnreachable = agent.state === 'unreachable'
  agent.info = message.body.agent
  agent.total = total
  agent.state = 'registered'
  agent.session = message.session
  agent.heardAtMs = turn.now
  agent.unreachableAtMs = undefined
  agent.link = turn.newLink()
  agent.link.arrive(message)
  const { hostname, attributes, domain } = agent.info
  state.allocator.setAgent({ agentId: agent.agentId, total, hostname, attributes, domain })
  if (wasUnreachable) state.allocator.setAgentCondition(agent.agentId, 'active')
  turn.toAgent(agent, 'reply', done({ heartbeatMs: state.settings.agentHeartbeatMs }), message.call)
  takeTasks(turn, agent, message.body.tasks, wasUnreachable)
  for (const [callId, call] of agent.calls) sendCall(turn, agent, callId, call)
  if (!wasRegistered)
    turn.log('info', 'agent registered', { agentId: agent.agentId, resources: String(total) })
  turn.event({ kind: 'agent', agent: viewAgent(state, agent) })
}

/** The agent's list is the truth of what runs there, but for what is on its way to it. */
function takeTasks(turn: Turn, agent: Agent, reported: readonly AgentTask[], wasUnreachable: boolean): void {
  const { state } = turn
  const keys = new Set(reported.map(({ frameworkId, taskId }) => taskKey(frameworkId, taskId)))
  for (const report of reported) takeTask(turn, agent, report, wasUnreachable)
  for (const task of [...state.tasks.values()]) {
    if (task.agentId !== agent.agentId || keys.has(task.key)) continue
    const isOnItsWay = [...agent.calls.values()].some(
      call => call.kind === 'launch' && call.taskKey === task.key,
    )
    if (isOnItsWay) continue
    const message = `agent ${agent.agentId} has come back without it`
    endTask(turn, task, masterStatus(turn, task, 'GONE', 'AGENT_REREGISTERED', message))
  }
}

function takeTask(turn: Turn, agent: Agent, report: AgentTask, wasUnreachable: boolean): void {
  const { state } = turn
  const key = taskKey(report.frameworkId, report.taskId)
  const known = state.tasks.get(key)
  if (!known && isTerminal(report.state)) return
  if (state.endedTasks.has(key)) {
    // Its framework has been told that it has ended, e.g. as GONE; so it must.
    return callAgent(turn, agent, 'kill', key, { frameworkId: report.frameworkId, taskId: report.taskId })
  }
  const task = known ?? adopt(turn, agent, report)
  if (report.status) applyStatus(turn, task, report.status)
  if (wasUnreachable && state.tasks.has(key)) {
    task.state = report.state
    masterStatus(turn, task, report.state, 'AGENT_REREGISTERED', `agent ${agent.agentId} is reachable again`)
  }
}

/** A task that this leader has not launched itself: it came with the agent, after a failover. */
function adopt(turn: Turn, agent: Agent, report: AgentTask): Task {
  const { frameworkId, taskId, role } = report
  const task: Task = {
    key: taskKey(frameworkId, taskId),
    taskId,
    frameworkId,
    agentId: agent.agentId,
    role,
    name: report.name ?? taskId,
    resources: Resources.fromWire(report.resources),
    labels: report.labels ?? {},
    launchedAtMs: report.launchedAtMs,
    state: report.state,
    status: undefined,
    updatedAtMs: turn.now,
  }
  turn.state.tasks.set(task.key, task)
  turn.state.allocator.charge({ frameworkId, role, agentId: agent.agentId, resources: task.resources })
  return task
}
