import type { AgentHealth } from '@tender/sdk/protocol'
import { rescindOffersOf } from './offers.js'
import { conditionOf } from './operator/conditions.js'
import type { Agent } from './state.js'
import type { Turn } from './turn.js'
import { viewAgent } from './views.js'

/** What keeps an agent from running what it has; undefined: nothing. */
export function problemOf(health: AgentHealth | undefined): string | undefined {
  return health === undefined || health.ok ? undefined : (health.reason ?? 'the agent gives no reason')
}

/** An agent says whether it can run what it has: while it cannot, nothing of it is offered. Its tasks stay as they are. */
export function noteHealth(turn: Turn, agent: Agent, health: AgentHealth | undefined): void {
  const problem = problemOf(health)
  if (agent.problem === problem) return
  const { agentId } = agent
  agent.problem = problem
  turn.state.allocator.setAgentCondition(agentId, conditionOf(agent))
  if (problem === undefined) turn.log('info', 'agent is well again', { agentId })
  else {
    turn.log('warn', 'agent is not well, and not offered', { agentId, problem })
    rescindOffersOf(turn, agentId, `the agent is not well: ${problem}`)
  }
  turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
}
