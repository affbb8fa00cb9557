import type { Agent, AgentCall, TaskKey } from './state.js'
import type { Turn } from './turn.js'

const firstResendMs = 1_000
const longestResendMs = 30_000

/** Gives an agent an order, and repeats it until it is answered. All orders are safe to repeat. */
export function callAgent(
  turn: Turn,
  agent: Agent,
  kind: AgentCall['kind'],
  taskKey: TaskKey | undefined,
  body: object,
): void {
  const call = {
    kind,
    taskKey,
    body,
    resendAtMs: turn.now + firstResendMs,
    waitMs: firstResendMs,
  }
  const callId = turn.newCallId()
  agent.calls.set(callId, call)
  sendCall(turn, agent, callId, call)
}

export function sendCall(turn: Turn, agent: Agent, callId: string, call: AgentCall): void {
  call.resendAtMs = turn.now + call.waitMs
  if (agent.state === 'registered') turn.toAgent(agent, call.kind, call.body, callId)
}

/**
 * The agent has answered that it has the order. A kill is kept and repeated until the task has ended: an agent that knew
 * of the kill before it had the task may have forgotten it when the launch comes.
 */
export function callTaken(turn: Turn, agent: Agent, callId: string, call: AgentCall): void {
  const task = call.taskKey === undefined ? undefined : turn.state.tasks.get(call.taskKey)
  if (call.kind !== 'kill' || task?.agentId !== agent.agentId) {
    agent.calls.delete(callId)
    return
  }
  call.waitMs = longestResendMs
  call.resendAtMs = turn.now + call.waitMs
}

export function resendCalls(turn: Turn, agent: Agent): void {
  if (agent.state !== 'registered' || agent.calls.size === 0) return
  for (const [callId, call] of agent.calls) {
    if (turn.now < call.resendAtMs) continue
    call.waitMs = Math.min(call.waitMs * 2, longestResendMs)
    sendCall(turn, agent, callId, call)
  }
}
