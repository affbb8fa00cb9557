import type { AgentCondition } from '../../allocator/types.js'
import type { Agent } from '../state.js'

/** Whether an agent may be offered now: an operator's order, unless it is away; then whether it is well. */
export function conditionOf(agent: Agent): AgentCondition {
  if (agent.state !== 'registered' || agent.isSilent) return 'unreachable'
  const { condition } = agent.order
  return condition === 'active' && agent.problem !== undefined ? 'unwell' : condition
}
