import {
  type AgentId,
  type AgentInfo,
  type agentToLeader,
  type MessageOf,
  ProtocolError,
} from '@tender/sdk/protocol'
import { kindOf, Resources } from '@tender/sdk/values'
import { sendCall } from './agent-calls.js'
import { noteHealth, problemOf } from './agent-health.js'
import { agentRecord, revisionOf } from './agent-record.js'
import { dropResourceOrders, orderResources, rescindWhatDoesNotFit } from './agent-resources.js'
import { killForDrain } from './drain.js'
import { agentHeartbeatMs } from './heartbeats.js'
import { noteLeaving } from './inverse-offers.js'
import { rescindOffersOf } from './offers.js'
import { conditionOf } from './operator/conditions.js'
import { takeTasks } from './returned-tasks.js'
import type { Agent } from './state.js'
import { done, type Turn } from './turn.js'
import { viewAgent } from './views.js'

type Register = Extract<MessageOf<typeof agentToLeader>, { kind: 'register' }>

/** An agent comes, or comes back, with all that it runs. It is admitted once the registry knows it. */
export function register(turn: Turn, agentId: AgentId, message: Register): void {
  const { agent: reported } = message.body
  if (message.epoch > 0 && message.epoch < turn.epoch) return askAgain(turn, agentId, message)
  try {
    checkAgent(turn, agentId, message)
  } catch (error) {
    const refusal = new ProtocolError('invalid-agent', (error as Error).message)
    turn.log('warn', 'an agent was refused', { agentId, error: refusal.message })
    const { session, call, v } = message
    return turn.refuse({ kind: 'agent', id: agentId }, refusal, {
      to: session,
      v,
      ...(call === undefined ? {} : { call }),
    })
  }
  turn.change([`agent ${agentId}`], (start, store) => {
    // Removed while this waited: it asks again, and is refused.
    if (start.state.goneAgents.has(agentId)) return
    const known = start.state.agents.get(agentId)
    const info = known ? newerResources(known, reported) : reported
    const isAsStored =
      known && known.state !== 'unreachable' && JSON.stringify(known.info) === JSON.stringify(info)
    if (isAsStored) return admit(start, known, message, known.info)
    const agent = known ?? newAgent(agentId, info, start.now)
    store([agentRecord({ ...agent, info, unreachableAtMs: undefined }, 'registered')], (later, error) => {
      if (error !== undefined) {
        // The agent asks again until it is answered.
        return later.log('error', 'the registry could not store an agent', { agentId, error })
      }
      later.state.agents.set(agentId, agent)
      admit(later, agent, message, info)
    })
  })
}

/**
 * It had not heard of this leader when it made its list, and may have obeyed the one before since. One that has just been
 * started knows of none, and need not say it twice.
 */
function askAgain(turn: Turn, agentId: AgentId, { epoch, session, v }: Register): void {
  const reason = `the list of its tasks is of epoch ${epoch}, and this leader is of epoch ${turn.epoch}`
  turn.toStranger({ kind: 'agent', id: agentId }, 'resynchronise', { reason }, { to: session, v })
}

/** @throws Error naming what of it is impossible */
function checkAgent(turn: Turn, agentId: AgentId, message: Register): void {
  const { agent: info } = message.body
  if (turn.state.goneAgents.has(agentId)) {
    throw new RangeError(
      `agent ${agentId} was removed by an operator, and is not let in again: its host needs a new work directory, and so a new id`,
    )
  }
  if (info.agentId !== agentId) {
    throw new RangeError(`agentId must be the one of the subject, ${agentId}, got ${info.agentId}`)
  }
  checkInstance(turn.state.agents.get(agentId), message)
  const total = Resources.fromWire(info.resources)
  if (total.isEmpty) throw new RangeError('resources must hold something to offer, got nothing')
  const volumeIds = new Set<string>()
  for (const [key, value] of total.entries()) {
    const { name, volume } = kindOf(key)
    const isNumber = value.kind === 'scalar' || value.kind === 'pieces'
    if (['cpus', 'mem', 'disk', 'gpus'].includes(name) && !isNumber)
      throw new RangeError(`resources: ${key} must be a number, got ${value.kind}`)
    if (name === 'ports' && value.kind !== 'ranges')
      throw new RangeError(`resources: ${key} must be ranges, got a ${value.kind}`)
    if (volume && volumeIds.has(volume.id))
      throw new RangeError(`resources: a volume's id is used once on an agent, got ${volume.id} twice`)
    if (volume) volumeIds.add(volume.id)
  }
  const outside = total.ranges('ports').find(([begin, end]) => begin < 1 || end > 65_535)
  if (outside)
    throw new RangeError(`resources: ports must be from 1 to 65535, got ${outside[0]}-${outside[1]}`)
}

/**
 * One id is for one agent. Of two that use it, such as after a work directory was copied, the one that is registered
 * stays; but an agent that was started again after it takes its place.
 *
 * @throws RangeError
 */
function checkInstance(known: Agent | undefined, { session, body }: Register): void {
  const { starts, agent: reported } = body
  if (known?.state !== 'registered' || known.isSilent || known.session === session) return
  if (starts === undefined || known.starts === undefined || starts > known.starts) return
  throw new RangeError(
    `another agent is registered as ${known.agentId}, on host ${known.info.hostname} (this one is on ${reported.hostname}): ` +
      'an agent needs a work directory of its own, and so an id of its own',
  )
}

/** The leader's changes to reservations and volumes hold, also when the agent has not heard of them yet. */
function newerResources(known: Agent, reported: AgentInfo): AgentInfo {
  if (revisionOf(known) <= (reported.resourcesRevision ?? 0)) return reported
  const { resources } = known.info
  return { ...reported, resources, resourcesRevision: revisionOf(known) }
}

function newAgent(agentId: AgentId, info: AgentInfo, registeredAtMs: number): Agent {
  return {
    agentId,
    info,
    total: Resources.fromWire(info.resources),
    state: 'recovering',
    session: '',
    link: undefined,
    registeredAtMs,
    heardAtMs: registeredAtMs,
    unreachableAtMs: undefined,
    order: { condition: 'active' },
    unavailability: undefined,
    registerCall: undefined,
    starts: undefined,
    problem: undefined,
    isSilent: false,
    calls: new Map(),
  }
}

/**
 * Its list is of the moment when it was sent. What has come from the agent since then, while the registry was written, is
 * newer: then it is asked for another list.
 */
function isOvertaken(agent: Agent, { session, sequence }: Register): boolean {
  return agent.session === session && (agent.link?.received.sequence ?? 0) > sequence
}

function admit(turn: Turn, agent: Agent, message: Register, info: AgentInfo): void {
  const { state } = turn
  const { agentId } = agent
  if (isRepeated(agent, message)) {
    noteHealth(turn, agent, message.body.health)
    return answer(turn, agent, message)
  }
  if (isOvertaken(agent, message)) {
    const reason = 'the list of its tasks was overtaken by later messages'
    return turn.toAgent(agent, 'resynchronise', { reason })
  }
  const wasRegistered = agent.state === 'registered'
  const wasUnreachable = agent.state === 'unreachable'
  const unanswered = [...agent.calls]
  if (agent.info !== info) {
    agent.info = info
    agent.total = Resources.fromWire(info.resources)
  }
  agent.state = 'registered'
  agent.session = message.session
  agent.registerCall = message.call
  agent.starts = message.body.starts
  agent.problem = problemOf(message.body.health)
  agent.isSilent = false
  state.confirmedSilent.delete(agentId)
  agent.heardAtMs = turn.now
  agent.unreachableAtMs = undefined
  agent.link = turn.newLink(message.v)
  agent.link.arrive(message)
  rescindWhatDoesNotFit(turn, agentId, agent.total)
  if (agent.problem !== undefined) rescindOffersOf(turn, agentId, `the agent is not well: ${agent.problem}`)
  tellAllocator(turn, agent)
  takeTasks(turn, agent, message.body, wasUnreachable)
  answer(turn, agent, message)
  // Tasks that it has brought along may hold what was offered.
  rescindWhatDoesNotFit(turn, agentId, agent.total)
  if (agent.order.condition === 'draining' && agent.order.isOver) killForDrain(turn, agent)
  const isBehind = revisionOf(agent) > (message.body.agent.resourcesRevision ?? 0)
  dropResourceOrders(agent)
  if (isBehind) orderResources(turn, agent)
  for (const [callId, call] of unanswered) if (agent.calls.has(callId)) sendCall(turn, agent, callId, call)
  noteLeaving(turn, agent)
  noteRegistered(turn, agent, wasRegistered)
  turn.event({ kind: 'agent', agent: viewAgent(state, agent) })
}

/** After a change of leaders all agents register: then it is enough to say when the last one has. */
function noteRegistered(turn: Turn, agent: Agent, wasRegistered: boolean): void {
  const { recoveringAgents, agents, leadership } = turn.state
  const { agentId, total } = agent
  const wasRecovering = recoveringAgents.delete(agentId)
  if (!wasRegistered)
    turn.log(wasRecovering ? 'debug' : 'info', 'agent registered', { agentId, resources: total })
  if (!wasRecovering || recoveringAgents.size > 0) return
  turn.log('info', 'all agents have registered with this leader', {
    agents: agents.size,
    sinceElectionMs: turn.now - leadership.electedAtMs,
  })
}

/**
 * The answer was late, or is lost: many agents that register at once are not to cost more by asking again. Its list was
 * taken before, and all that has changed since is told apart from it; when a message between is lost, it is taken anew.
 */
function isRepeated(agent: Agent, message: Register): boolean {
  const isTaken = agent.state === 'registered' && agent.session === message.session
  if (!isTaken || message.call === undefined || agent.registerCall !== message.call) return false
  return agent.link?.arrive(message) !== 'gap'
}

function answer(turn: Turn, agent: Agent, { call, body }: Register): void {
  // What its tasks have become is known by now: nobody waits for an orphan any more.
  const { orphans = [] } = body
  const removeOrphans = orphans.length === 0 ? {} : { removeOrphans: orphans }
  turn.toAgent(agent, 'reply', done({ heartbeatMs: agentHeartbeatMs(turn.state), ...removeOrphans }), call)
}

function tellAllocator({ state: { allocator } }: Turn, agent: Agent): void {
  const { agentId, total } = agent
  const { hostname, attributes, domain } = agent.info
  allocator.setAgent({ agentId, total, hostname, attributes, domain })
  const condition = conditionOf(agent)
  if (allocator.agentCondition(agentId) !== condition) allocator.setAgentCondition(agentId, condition)
}
