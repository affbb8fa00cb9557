import type { AgentId, FrameworkId, Reply, TaskId, TaskStatus } from '@tender/sdk/protocol'
import type { TaskState } from '@tender/sdk/values'
import { type Framework, type MasterState, type Task, taskKey } from './state.js'
import { done, type Turn } from './turn.js'

/** So many states are told in one message. */
const statesAtOnce = 500

/** Tells the states of these tasks, or of all that are known when none is named. */
export function reconcile(
  turn: Turn,
  framework: Framework,
  tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[],
): Reply {
  const { frameworkId } = framework
  const statuses =
    tasks.length === 0
      ? turn.state.tasks.ofFramework(frameworkId).map(task => known(turn, task))
      : tasks.flatMap(({ taskId, agentId }) => stateOf(turn, frameworkId, taskId, agentId) ?? [])
  if ((framework.link?.version ?? 0) < 2) for (const status of statuses) tell(turn, framework, status)
  else
    for (let from = 0; from < statuses.length; from += statesAtOnce)
      turn.toFramework(framework, 'updates', { statuses: statuses.slice(from, from + statesAtOnce) })
  return done()
}

function stateOf(
  turn: Turn,
  frameworkId: FrameworkId,
  taskId: TaskId,
  agentId: AgentId | undefined,
): TaskStatus | undefined {
  const { tasks, endedTasks, launchingTasks } = turn.state
  const key = taskKey(frameworkId, taskId)
  const task = tasks.get(key) ?? endedTasks.get(key)
  if (task) return known(turn, task)
  return launchingTasks.has(key) ? undefined : unknown(turn, frameworkId, taskId, agentId)
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
export function mayStillArrive({ recoveringAgents }: MasterState, agentId: AgentId | undefined): boolean {
  return agentId === undefined ? recoveringAgents.size > 0 : recoveringAgents.has(agentId)
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
