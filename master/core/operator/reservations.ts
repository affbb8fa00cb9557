import { type AgentId, ProtocolError } from '@tender/sdk/protocol'
import { Resources, type WireResources } from '@tender/sdk/values'
import { sharedVolumeUser } from '../accept-plan.js'
import { agentRecord, recordState, withTotal } from '../agent-record.js'
import { freeUp, takeTotal } from '../agent-resources.js'
import { checkVolumes, type Conversion, conversionOf, type ConversionKind } from '../conversion.js'
import { newestOffersOf } from '../offers.js'
import type { Agent, MasterState } from '../state.js'
import { knownAgent } from './agents.js'
import { conditionOf } from './conditions.js'
import { changeOf, type Decision } from './decision.js'

interface Call {
  readonly agentId: AgentId
  readonly resources: WireResources
}

/**
 * Reservations and volumes, made and undone by an operator out of what is free or offered. Until it is stored the agent
 * is not offered, so that nobody comes to hold what has been freed for it.
 */
export function convert(state: MasterState, kind: ConversionKind, { agentId, resources }: Call): Decision {
  const agent = knownAgent(state, agentId)
  if (agent.session === '') {
    const rule = `agent ${agentId} has not registered with this leader yet, so its tasks are not known`
    throw new ProtocolError('agent-unavailable', rule)
  }
  const conversion = conversionOf(kind, resources)
  const { from, to } = conversion
  checkConversion(state, agent, conversion)
  const changed = withTotal(agent, agent.total.minus(from).plus(to))
  const thaw = () => state.allocator.setAgentCondition(agentId, conditionOf(agent))
  return {
    records: [agentRecord(changed, recordState(agent))],
    prepare: turn => {
      freeUp(turn, agent, from, `an operator changes what is reserved on the agent (${kind})`)
      state.allocator.setAgentCondition(agentId, 'deactivated')
    },
    take: turn => {
      const before = reservedText(agent)
      state.allocator.convertFree(agentId, from, to)
      thaw()
      takeTotal(turn, agent, changed)
      return changeOf(`agent ${agentId}`, 'reserved', before, reservedText(agent))
    },
    undo: thaw,
  }
}

function checkConversion(state: MasterState, agent: Agent, conversion: Conversion): void {
  const { allocator } = state
  const { agentId, total } = agent
  const { kind, from, to } = conversion
  checkVolumes(conversion, total)
  if (!total.contains(from)) {
    const isUndone = kind === 'unreserve' || kind === 'destroy'
    const rule = `agent ${agentId} has no ${String(from)}; it has ${String(total)}`
    throw new ProtocolError(isUndone ? 'unknown-reservation' : 'insufficient-resources', rule)
  }
  const user = sharedVolumeUser(state, agentId, from)
  if (user !== undefined) throw new ProtocolError('resources-in-use', user)
  const exclusive = from.only(each => !each.isShared)
  const offered = Resources.sum(newestOffersOf(state, agentId).map(({ resources }) => resources))
  const available = allocator.free(agentId).plus(offered)
  if (!available.contains(exclusive)) {
    const rule = `tasks hold a part of ${String(from)} of agent ${agentId}; free or offered is ${String(available) || 'nothing'}`
    throw new ProtocolError('resources-in-use', rule)
  }
  const problem = kind === 'reserve' ? allocator.reservationProblem(from, to, undefined) : undefined
  if (problem !== undefined) throw new ProtocolError('quota-exceeded', problem)
}

function reservedText({ total }: Agent): string {
  return String(total.only(kind => kind.reservation !== undefined))
}
