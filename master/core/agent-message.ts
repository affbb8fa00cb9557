import type { AgentId, agentToLeader, MessageOf } from '@tender/sdk/protocol'
import { callTaken } from './agent-calls.js'
import { noteHealth } from './agent-health.js'
import { answerLog } from './log-request.js'
import { register } from './register.js'
import type { Agent } from './state.js'
import { endTask, masterStatus, statusUpdate } from './status-update.js'
import type { Turn } from './turn.js'

/** A message of an agent. All but a registration must be of the session that is registered. */
export function agentMessage(turn: Turn, agentId: AgentId, message: MessageOf<typeof agentToLeader>): void {
  if (message.kind === 'register') return register(turn, agentId, message)
  const agent = turn.state.agents.get(agentId)
  if (agent?.state !== 'registered' || agent.session !== message.session) {
    const reason = `this leader (epoch ${turn.epoch}) does not know this session of agent ${agentId}`
    return turn.toStranger(
      { kind: 'agent', id: agentId },
      'resynchronise',
      { reason },
      { to: message.session, v: message.v },
    )
  }
  const arrival = agent.link?.arrive(message)
  agent.heardAtMs = turn.now
  if (arrival === 'repeated') return
  switch (message.kind) {
    case 'heartbeat':
      noteHealth(turn, agent, message.body.health)
      if (agent.link?.hasLost(message.body.received))
        resynchronise(turn, agent, 'a message to the agent was lost')
      return
    case 'update':
      statusUpdate(turn, agent, message.body)
      break
    case 'reply':
      if (message.call !== undefined) replied(turn, agent, message.call, message.body)
      break
  }
  if (arrival === 'gap') resynchronise(turn, agent, 'a message of the agent was lost')
}

function replied(
  turn: Turn,
  agent: Agent,
  call: string,
  reply: { ok: boolean; message?: string; result?: unknown },
): void {
  const known = agent.calls.get(call)
  if (!known) return answerLog(turn, call, reply)
  if (reply.ok) return callTaken(turn, agent, call, known)
  agent.calls.delete(call)
  turn.log('warn', `agent refused a ${known.kind}`, {
    agentId: agent.agentId,
    task: known.taskKey,
    error: reply.message,
  })
  const task = known.taskKey === undefined ? undefined : turn.state.tasks.get(known.taskKey)
  if (known.kind !== 'launch' || task?.agentId !== agent.agentId || task.status) return
  const message = `agent ${agent.agentId} refused it: ${reply.message ?? 'no reason given'}`
  endTask(turn, task, masterStatus(turn, task, 'DROPPED', 'CONTAINER_LAUNCH_FAILED', message))
}

function resynchronise(turn: Turn, agent: Agent, reason: string): void {
  turn.log('info', 'asking an agent to register again', { agentId: agent.agentId, reason })
  turn.toAgent(agent, 'resynchronise', { reason })
}
