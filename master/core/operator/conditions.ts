import type { AgentCondition } from '../../allocator/types.js'
import type { Agent } from '../state.js'

/** Whether an agent may be offered now: an operator's order, unless it is away. */
export function conditionOf(agent: Agent): AgentCondition {
  return agent.state === 'registered' ? agent.order.condition : 'unreachable'
}
