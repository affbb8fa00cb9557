import type { Reply } from '@tender/sdk/protocol'
import type { LogRequest } from './inputs.js'
import { taskKey } from './state.js'
import { refused, type Turn } from './turn.js'

/** Before the request's id in the call's: an agent's answer is to nothing else that the web endpoint asks. */
const prefix = 'log.'

/** Asks the task's agent for a part of its log. The web endpoint gives up by itself when no answer comes. */
export function readLog(turn: Turn, requestId: string, request: LogRequest): void {
  const { state } = turn
  const key = taskKey(request.frameworkId, request.taskId)
  const task = state.tasks.get(key) ?? state.endedTasks.get(key)
  if (!task) {
    const reply = refused(
      'unknown-task',
      `no task ${request.taskId} of framework ${request.frameworkId} is known`,
    )
    return turn.answer(requestId, reply)
  }
  const agent = state.agents.get(task.agentId)
  if (agent?.state !== 'registered') {
    const reply = refused(
      'agent-unavailable',
      `agent ${task.agentId}, which has the log, is ${agent?.state ?? 'unknown'}`,
    )
    return turn.answer(requestId, reply)
  }
  turn.toAgent(agent, 'read-log', request, `${prefix}${requestId}`)
}

/** An answer to a call that is none of the master's own: to a request of the web endpoint. */
export function answerLog(turn: Turn, call: string, reply: Reply): void {
  if (call.startsWith(prefix)) turn.answer(call.slice(prefix.length), reply)
}
