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
  const call = { kind, taskKey, body, resendAtMs: turn.now + firstResendMs, waitMs: firstResendMs }
  const callId = turn.newCallId()
  agent.calls.set(callId, call)
  sendCall(turn, agent, callId, call)
}

export function sendCall(turn: Turn, agent: Agent, callId: string, call: AgentCall): void {
  call.resendAtMs = turn.now + call.waitMs
  if (agent.state === 'registered') turn.toAgent(agent, call.kind, call.body, callId)
}

export function resendCalls(turn: Turn, agent: Agent): void {
  if (agent.state !== 'registered') return
  for (const [callId, call] of agent.calls) {
    if (turn.now < call.resendAtMs) continue
    call.waitMs = Math.min(call.waitMs * 2, longestResendMs)
    sendCall(turn, agent, callId, call)
  }
}
