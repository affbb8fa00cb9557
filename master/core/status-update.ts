import type { agentToLeader, Infer, StatusReason, TaskStatus } from '@tender/sdk/protocol'
import { isTerminal, type TaskState } from '@tender/sdk/values'
import type { Agent, MasterState, Task } from './state.js'
import { taskKey } from './state.js'
import type { Turn } from './turn.js'
import { viewTask } from './views.js'

type Update = Infer<typeof agentToLeader.update>

/** So many ended tasks are remembered, for people and for reconciliation (Mesos: 1000 per framework). */
const keptEndedTasks = 5_000

/** An agent reports on a task. It goes on to the framework, and is the agent's to resend until that acknowledges it. */
export function statusUpdate(turn: Turn, agent: Agent, { status, oldest }: Update): void {
  const { state } = turn
  const key = taskKey(status.frameworkId, status.taskId)
  const task = state.tasks.get(key) ?? state.endedTasks.get(key)
  // It runs elsewhere under the same id, and is being killed here: nobody waits for its end.
  if (task && task.agentId !== agent.agentId && !isTerminal(task.state))
    return acknowledgeUnheard(turn, agent, status)
  if (task) applyStatus(turn, task, status)
  const told = { ...(task ? withCause(task, status) : status), agentId: agent.agentId }
  const framework = state.frameworks.get(status.frameworkId)
  if (framework) {
    if (framework.state === 'connected') {
      turn.toFramework(framework, 'update', { status: told, ...(oldest === undefined ? {} : { oldest }) })
    }
    return
  }
  if (state.completedFrameworks.has(status.frameworkId)) acknowledgeUnheard(turn, agent, status)
}

/** Nobody is left to acknowledge it. */
function acknowledgeUnheard(turn: Turn, agent: Agent, { frameworkId, taskId, sequence }: TaskStatus): void {
  if (sequence !== undefined) turn.toAgent(agent, 'acknowledge', { frameworkId, taskId, sequence })
}

/** The agent knows only that it was told to kill the task; who hears of it is told why. */
function withCause(task: Task, status: TaskStatus): TaskStatus {
  const isKill = status.reason === 'KILLED_BY_FRAMEWORK' || status.reason === 'TASK_KILLED_DURING_LAUNCH'
  return task.killedFor && isKill ? { ...status, reason: task.killedFor } : status
}

/** Takes a report into the books. Older ones and repetitions change nothing. */
export function applyStatus(turn: Turn, task: Task, status: TaskStatus): void {
  const last = task.status?.sequence ?? 0
  if ((status.sequence ?? 0) <= last) return
  task.status = { ...withCause(task, status), agentId: task.agentId }
  if (isTerminal(task.state)) return
  if (isTerminal(status.state)) return endTask(turn, task, task.status)
  if (task.state === status.state) return
  change(turn, task, status.state)
  turn.event({ kind: 'task', task: viewTask(turn.state, task) })
}

/** The task holds nothing any more. */
export function endTask(turn: Turn, task: Task, status: TaskStatus): void {
  const { state } = turn
  change(turn, task, status.state)
  task.status = { ...status, agentId: task.agentId }
  state.tasks.delete(task)
  keepEnded(state, task)
  const { frameworkId, role, agentId, resources } = task
  state.allocator.release({ frameworkId, role, agentId, resources })
  turn.touch(agentId)
  const agent = state.agents.get(agentId)
  for (const [callId, call] of agent?.calls ?? []) if (call.taskKey === task.key) agent?.calls.delete(callId)
  turn.event({ kind: 'task', task: viewTask(state, task) })
}

export function keepEnded({ endedTasks }: MasterState, task: Task): void {
  endedTasks.set(task.key, task)
  const [oldest] = endedTasks.keys()
  if (endedTasks.size > keptEndedTasks && oldest !== undefined) endedTasks.delete(oldest)
}

function change(turn: Turn, task: Task, state: TaskState): void {
  task.state = state
  task.updatedAtMs = turn.now
  const { taskId, frameworkId, agentId } = task
  turn.log('info', `task is ${state}`, { taskId, frameworkId, agentId })
}

/** What the master says of a task by itself, to the framework if that is there; nothing to acknowledge. */
export function masterStatus(
  turn: Turn,
  task: Task,
  state: TaskState,
  reason: StatusReason,
  message?: string,
): TaskStatus {
  const { frameworkId, taskId, agentId } = task
  const status: TaskStatus = {
    frameworkId,
    taskId,
    agentId,
    state,
    timestampMs: turn.now,
    source: 'master',
    reason,
    ...(message === undefined ? {} : { message }),
  }
  const framework = turn.state.frameworks.get(frameworkId)
  if (framework?.state === 'connected') turn.toFramework(framework, 'update', { status })
  return status
}
