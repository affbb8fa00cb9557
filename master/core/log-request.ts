import type { Reply } from '@tender/sdk/protocol'
import type { LogRequest } from './inputs.js'
import { taskKey } from './state.js'
import { refused, type Turn } from './turn.js'

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
    return void turn.commands.push({ kind: 'answer', requestId, reply })
  }
  const agent = state.agents.get(task.agentId)
  if (agent?.state !== 'registered') {
    const reply = refused(
      'agent-unavailable',
      `agent ${task.agentId}, which has the log, is ${agent?.state ?? 'unknown'}`,
    )
    return void turn.commands.push({ kind: 'answer', requestId, reply })
  }
  turn.toAgent(agent, 'read-log', request, requestId)
}

/** An answer to a call that is none of the master's own: to a request of the web endpoint. */
export function answerLog(turn: Turn, requestId: string, reply: Reply): void {
  turn.commands.push({ kind: 'answer', requestId, reply })
}
