import {
  type AgentId,
  type FrameworkId,
  type frameworkToLeader,
  type Infer,
  type InverseOffer,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import type { Agent, Framework, InverseOfferRecord } from './state.js'
import { done, type Turn } from './turn.js'
import { viewInverseOffer } from './views.js'

type Request = Pick<InverseOffer, 'reason' | 'unavailability'>

/**
 * Whoever holds offers or tasks on an agent that will not be there is asked once to leave it, for as long as it holds
 * something there. Looked at when a step ends, for the agents of which something has changed in it.
 */
export function askToLeave(turn: Turn): void {
  const made = new Map<FrameworkId, InverseOffer[]>()
  for (const agentId of turn.touched) {
    const { agents, leavingAgents, inverseOffers } = turn.state
    if (!leavingAgents.has(agentId) && !inverseOffers.has(agentId)) continue
    for (const inverseOffer of askForAgent(turn, agentId, agents.get(agentId))) {
      const list = made.get(inverseOffer.frameworkId)
      if (list) list.push(inverseOffer)
      else made.set(inverseOffer.frameworkId, [inverseOffer])
    }
  }
  turn.touched.clear()
  for (const [frameworkId, inverseOffers] of made) {
    const framework = turn.state.frameworks.get(frameworkId)
    if (!framework) continue
    for (let start = 0; start < inverseOffers.length; start += 500) {
      turn.toFramework(framework, 'inverse-offers', {
        inverseOffers: inverseOffers.slice(start, start + 500),
      })
    }
  }
}

/** Whether an agent has a window or is drained, so that frameworks are asked to leave it. */
export function noteLeaving(turn: Turn, agent: Agent): void {
  if (requestOf(agent)) turn.state.leavingAgents.add(agent.agentId)
  else turn.state.leavingAgents.delete(agent.agentId)
  turn.touch(agent.agentId)
}

/** The framework comes or goes: what it was asked is forgotten, and asked again if it is there. */
export function forgetInverseOffersOf(turn: Turn, frameworkId: FrameworkId): void {
  for (const [agentId, records] of turn.state.inverseOffers) {
    const record = records.get(frameworkId)
    if (record) end(turn, agentId, record)
  }
  for (const agentId of turn.state.leavingAgents) turn.touch(agentId)
}

/** Advice for operators; nothing else follows from it. */
export function answerInverseOffers(
  turn: Turn,
  framework: Framework,
  body: Infer<(typeof frameworkToLeader)['answer-inverse-offers']>,
): Reply {
  const records = new Map<string, InverseOfferRecord>()
  for (const ofAgent of turn.state.inverseOffers.values())
    for (const record of ofAgent.values()) records.set(record.inverseOffer.inverseOfferId, record)
  let problem: ProtocolError | undefined
  for (const inverseOfferId of new Set(body.inverseOfferIds)) {
    const record = records.get(inverseOfferId)
    if (!record) {
      problem ??= new ProtocolError(
        'invalid-offer',
        `inverse offer ${inverseOfferId} is not there (any more)`,
      )
    } else if (record.inverseOffer.frameworkId !== framework.frameworkId) {
      const rule = `inverse offer ${inverseOfferId} was not made to framework ${framework.frameworkId}`
      problem ??= new ProtocolError('not-your-offer', rule)
    } else {
      record.answer = body.answer === 'accept' ? 'accepted' : 'declined'
      turn.event({ kind: 'inverse-offer', inverseOffer: viewInverseOffer(record) })
    }
  }
  if (problem) throw problem
  return done()
}

function askForAgent(turn: Turn, agentId: AgentId, agent: Agent | undefined): InverseOffer[] {
  const { allocator, frameworks, inverseOffers } = turn.state
  const request = agent && requestOf(agent)
  const holders = new Set(
    request
      ? allocator
          .holders(agentId)
          .map(({ frameworkId }) => frameworkId)
          .filter(frameworkId => frameworks.get(frameworkId)?.state === 'connected')
      : [],
  )
  for (const [frameworkId, record] of [...(inverseOffers.get(agentId) ?? [])]) {
    if (!request) end(turn, agentId, record, 'the agent stays')
    else if (!isFor(record, request)) end(turn, agentId, record, 'the window has changed')
    else if (!holders.has(frameworkId)) end(turn, agentId, record, 'nothing is held there any more')
    else holders.delete(frameworkId)
  }
  if (!agent || !request) return []
  return [...holders].toSorted().map(frameworkId => make(turn, agent, frameworkId, request))
}

function make(turn: Turn, agent: Agent, frameworkId: FrameworkId, request: Request): InverseOffer {
  const { agentId, info } = agent
  const inverseOfferId = turn.newInverseOfferId()
  const inverseOffer = { inverseOfferId, frameworkId, agentId, hostname: info.hostname, ...request }
  const record: InverseOfferRecord = { inverseOffer, madeAtMs: turn.now, answer: undefined }
  const records = turn.state.inverseOffers.get(agentId) ?? new Map<FrameworkId, InverseOfferRecord>()
  turn.state.inverseOffers.set(agentId, records.set(frameworkId, record))
  turn.log('info', 'asking a framework to leave an agent', { frameworkId, agentId, reason: request.reason })
  turn.event({ kind: 'inverse-offer', inverseOffer: viewInverseOffer(record) })
  return inverseOffer
}

/** @param reason told to the framework; none when it is not there, or knows */
function end(turn: Turn, agentId: AgentId, record: InverseOfferRecord, reason?: string): void {
  const { inverseOfferId, frameworkId } = record.inverseOffer
  const records = turn.state.inverseOffers.get(agentId)
  records?.delete(frameworkId)
  if (records?.size === 0) turn.state.inverseOffers.delete(agentId)
  turn.event({
    kind: 'inverse-offer',
    inverseOffer: { ...viewInverseOffer(record), endedAtMs: turn.now },
  })
  const framework = turn.state.frameworks.get(frameworkId)
  if (reason === undefined || framework?.state !== 'connected') return
  turn.toFramework(framework, 'rescind-inverse-offers', { inverseOfferIds: [inverseOfferId], reason })
}

/** A drain asks for more than a window, and comes first. */
function requestOf({ order, unavailability }: Agent): Request | undefined {
  if (order.condition === 'draining')
    return { reason: 'drain', unavailability: { startMs: order.endsAtMs ?? order.startedAtMs } }
  return unavailability && { reason: 'maintenance', unavailability }
}

function isFor({ inverseOffer }: InverseOfferRecord, { reason, unavailability }: Request): boolean {
  const { startMs, durationMs } = inverseOffer.unavailability
  return (
    inverseOffer.reason === reason &&
    startMs === unavailability.startMs &&
    durationMs === unavailability.durationMs
  )
}
