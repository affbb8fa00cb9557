import { killTask } from './kill.js'
import type { Agent } from './state.js'
import type { Turn } from './turn.js'

/** Drains whose grace is over: what is still there is killed. */
export function endDrains(turn: Turn): void {
  const { agents, leavingAgents } = turn.state
  for (const agentId of leavingAgents) {
    const agent = agents.get(agentId)
    if (agent?.order.condition !== 'draining') continue
    const { isOver, endsAtMs } = agent.order
    if (isOver || endsAtMs === undefined || turn.now < endsAtMs) continue
    agent.order = { ...agent.order, isOver: true }
    turn.log('info', 'the grace of a drain is over', { agentId })
    killForDrain(turn, agent)
  }
}

export function killForDrain(turn: Turn, agent: Agent): void {
  for (const task of turn.state.tasks.ofAgent(agent.agentId)) {
    task.killedFor = 'AGENT_DRAINING'
    killTask(turn, task)
  }
}
