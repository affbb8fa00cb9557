import type { AgentId, FrameworkId, Reply, TaskId, TaskStatus } from '@tender/sdk/protocol'
import type { TaskState } from '@tender/sdk/values'
import { type Framework, type MasterState, type Task, taskKey } from './state.js'
import { done, type Turn } from './turn.js'

/** Tells the states of these tasks, or of all that are known when none is named. */
export function reconcile(
  turn: Turn,
  framework: Framework,
  tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[],
): Reply {
  const { state } = turn
  if (tasks.length === 0) {
    for (const task of state.tasks.ofFramework(framework.frameworkId))
      tell(turn, framework, known(turn, task))
    return done()
  }
  for (const { taskId, agentId } of tasks) {
    const key = taskKey(framework.frameworkId, taskId)
    const task = state.tasks.get(key) ?? state.endedTasks.get(key)
    if (state.launchingTasks.has(key)) continue
    const status = task ? known(turn, task) : unknown(turn, framework.frameworkId, taskId, agentId)
    if (status) tell(turn, framework, status)
  }
  return done()
}

/** To a framework that may have been told that nobody knows its task: it has come with an agent that was unreachable. */
export function tellState(turn: Turn, task: Task): void {
  const framework = turn.state.frameworks.get(task.frameworkId)
  if (framework?.state === 'connected') tell(turn, framework, known(turn, task))
}

export function tell(turn: Turn, framework: Framework, status: TaskStatus): void {
  turn.toFramework(framework, 'update', { status })
}

/** The last state; not numbered, since it is an answer and not an event. */
export function known(turn: Turn, task: Task): TaskStatus {
  const { frameworkId, taskId, agentId, state } = task
  const { sequence: _, ...last } = task.status ?? { source: 'master' as const }
  return { ...last, frameworkId, taskId, agentId, state, timestampMs: turn.now, reason: 'RECONCILIATION' }
}

/** Whether a task that this leader does not know may be on an agent that has not come yet; on any, unless one is named. */
export function mayStillArrive({ agents }: MasterState, agentId: AgentId | undefined): boolean {
  if (agentId !== undefined) return agents.get(agentId)?.state === 'recovering'
  for (const { state } of agents.values()) if (state === 'recovering') return true
  return false
}

/** Mesos' rule: no answer while the truth may still arrive, then what the absence of the task means. */
function unknown(
  turn: Turn,
  frameworkId: FrameworkId,
  taskId: TaskId,
  agentId: AgentId | undefined,
): TaskStatus | undefined {
  if (mayStillArrive(turn.state, agentId)) return undefined
  const agent = agentId === undefined ? undefined : turn.state.agents.get(agentId)
  const states: Record<'registered' | 'unreachable', TaskState> = {
    registered: 'GONE',
    unreachable: 'UNREACHABLE',
  }
  const isGone = agentId !== undefined && turn.state.goneAgents.has(agentId)
  const whenUnknown = isGone ? 'GONE_BY_OPERATOR' : 'UNKNOWN'
  const state = agent && agent.state !== 'recovering' ? states[agent.state] : whenUnknown
  return {
    frameworkId,
    taskId,
    ...(agentId === undefined ? {} : { agentId }),
    state,
    timestampMs: turn.now,
    source: 'master',
    reason: 'RECONCILIATION',
  }
}
