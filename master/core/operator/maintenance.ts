import type { AgentId, Unavailability } from '@tender/sdk/protocol'
import { agentRecord, recordState } from '../agent-record.js'
import { noteLeaving } from '../inverse-offers.js'
import type { MasterState } from '../state.js'
import { viewAgent } from '../views.js'
import { knownAgent } from './agents.js'
import { changeOf, type Decision } from './decision.js'

interface Call {
  readonly agentIds: readonly AgentId[]
  readonly unavailability?: Unavailability
}

/** A window for each of these agents, in place of the one that it had. Offers stand on; whoever holds some is asked to leave. */
export function setMaintenance(state: MasterState, { agentIds, unavailability }: Call): Decision {
  const agents = [...new Set(agentIds)].map(agentId => knownAgent(state, agentId))
  return {
    records: agents.map(agent => agentRecord({ ...agent, unavailability }, recordState(agent))),
    take: turn =>
      agents.flatMap(agent => {
        const before = windowText(agent.unavailability)
        agent.unavailability = unavailability
        noteLeaving(turn, agent)
        turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
        return changeOf(`agent ${agent.agentId}`, 'unavailability', before, windowText(unavailability))
      }),
  }
}

function windowText(window: Unavailability | undefined): string {
  if (!window) return ''
  const { startMs, durationMs } = window
  return durationMs === undefined ? `startMs ${startMs}` : `startMs ${startMs}, durationMs ${durationMs}`
}
