import { type frameworkToLeader, type Infer, ProtocolError, type Reply } from '@tender/sdk/protocol'
import { callAgent } from './agent-calls.js'
import { known, mayStillArrive, tell } from './reconcile.js'
import { type Framework, type Task, taskKey } from './state.js'
import { done, type Turn } from './turn.js'

/**
 * Ends a task. The order is repeated until the task has ended; the end itself comes as an update. No answer while it may
 * still come with its agent: the framework asks again until then.
 */
export function kill(
  turn: Turn,
  framework: Framework,
  { taskId, agentId, graceMs }: Infer<typeof frameworkToLeader.kill>,
  callId: string | undefined,
): Reply | undefined {
  const key = taskKey(framework.frameworkId, taskId)
  const task = turn.state.tasks.get(key)
  if (task) {
    killTask(turn, task, graceMs)
    return done()
  }
  const ended = turn.state.endedTasks.get(key)
  if (ended) {
    // With its exit code, as the agent has told it: who gives a kill may hear of the end by this first.
    tell(turn, framework, known(turn, ended))
    return done()
  }
  if (mayStillArrive(turn.state, agentId)) {
    if (callId !== undefined) framework.openCalls.delete(callId)
    return undefined
  }
  throw new ProtocolError('unknown-task', `framework ${framework.frameworkId} has no task ${taskId}`)
}

/** The agent is told, again and again until it has answered. */
export function killTask(turn: Turn, task: Task, graceMs?: number): void {
  const agent = turn.state.agents.get(task.agentId)
  if (!agent) return
  for (const [callId, call] of agent.calls) {
    if (call.kind !== 'kill' || call.taskKey !== task.key) continue
    if (!isShorter(graceMs, call.body)) return
    agent.calls.delete(callId)
  }
  const { frameworkId, taskId } = task
  turn.log('info', 'killing task', { taskId, frameworkId, agentId: agent.agentId })
  callAgent(turn, agent, 'kill', task.key, {
    frameworkId,
    taskId,
    ...(graceMs === undefined ? {} : { graceMs }),
  })
}

/** A kill under way is overtaken by one with less grace. */
function isShorter(graceMs: number | undefined, underWay: { readonly graceMs?: number }): boolean {
  return graceMs !== undefined && graceMs < (underWay.graceMs ?? Infinity)
}
