import type { AgentTask, agentToLeader, MessageOf } from '@tender/sdk/protocol'
import { isTerminal, Resources } from '@tender/sdk/values'
import { callAgent } from './agent-calls.js'
import { freeUp } from './agent-resources.js'
import { countOnce, singleOnes } from './count-once.js'
import { isOfEndedFramework, rememberFramework } from './framework-lives.js'
import { killTask } from './kill.js'
import { tellState } from './reconcile.js'
import { type Agent, type Task, type TaskKey, taskKey } from './state.js'
import { applyStatus, endTask, keepEnded, masterStatus } from './status-update.js'
import type { Turn } from './turn.js'

type Register = Extract<MessageOf<typeof agentToLeader>, { kind: 'register' }>

/** The agent's list is the truth of what runs there, but for what is on its way to it. */
export function takeTasks(
  turn: Turn,
  agent: Agent,
  { tasks, orphans = [] }: Register['body'],
  wasUnreachable: boolean,
): void {
  const returned = new Map(tasks.map(report => [taskKey(report.frameworkId, report.taskId), report]))
  const lost = new Set(orphans.map(({ frameworkId, taskId }) => taskKey(frameworkId, taskId)))
  takeReturned(turn, agent, returned, wasUnreachable)
  for (const task of turn.state.tasks.ofAgent(agent.agentId)) {
    if (returned.has(task.key)) continue
    const isOnItsWay = [...agent.calls.values()].some(
      call => call.kind === 'launch' && call.taskKey === task.key,
    )
    if (isOnItsWay && !lost.has(task.key)) continue
    missTask(turn, agent, task)
  }
}

/** A task that never reached its agent was not started; one that had, and is not there, is gone. */
function missTask(turn: Turn, { agentId }: Agent, task: Task): void {
  const [state, message] =
    task.status === undefined
      ? (['DROPPED', `the launch did not reach agent ${agentId}`] as const)
      : (['GONE', `agent ${agentId} has come back without it`] as const)
  endTask(turn, task, masterStatus(turn, task, state, 'AGENT_REREGISTERED', message))
}

/** A task that has come with its agent. */
interface Returned {
  readonly task: Task
  readonly report: AgentTask
  readonly isNew: boolean
  readonly mustEnd: boolean
}

function takeReturned(
  turn: Turn,
  agent: Agent,
  reports: ReadonlyMap<TaskKey, AgentTask>,
  wasUnreachable: boolean,
): void {
  const all: Returned[] = []
  for (const [key, report] of reports) {
    const returned = find(turn, agent, key, report)
    if (returned) all.push(returned)
  }
  const fresh = all.filter(({ isNew }) => isNew).map(({ task }) => task)
  countOnce(turn.state.tasks.ofAgent(agent.agentId), fresh)
  // What is offered of it, others must not accept.
  freeUp(
    turn,
    agent,
    Resources.sum(fresh.map(({ resources }) => singleOnes(resources))),
    'a task has come that holds it',
  )
  // Together, for many may come at once; and before any of them ends.
  charge(turn, fresh)
  for (const returned of all) takeTask(turn, agent, returned, wasUnreachable)
}

/** The task as it stands in the books from now on; none when it has ended already, or is not to be there. */
function find(turn: Turn, agent: Agent, key: TaskKey, report: AgentTask): Returned | undefined {
  const { state } = turn
  const other = state.tasks.get(key)
  if (other?.agentId === agent.agentId) return { task: other, report, isNew: false, mustEnd: false }
  if (other) {
    if (state.agents.get(other.agentId)?.state === 'registered') {
      killDouble(turn, agent, report, other)
      return undefined
    }
    forgetTask(turn, other)
  }
  const task = taskOf(turn, agent, key, report)
  if (isTerminal(report.state)) {
    rememberEnded(turn, task, report)
    return undefined
  }
  const mustEnd = state.endedTasks.delete(key) || isOfEndedFramework(state, report)
  state.tasks.add(task)
  rememberFramework(turn, task)
  return { task, report, isNew: true, mustEnd }
}

/** What this leader has not launched itself: it came with its agent, after a failover. */
function charge({ state }: Turn, tasks: readonly Task[]): void {
  const held = new Map<string, Task[]>()
  for (const task of tasks) {
    const holder = `${task.frameworkId} ${task.role}`
    const others = held.get(holder)
    if (others) others.push(task)
    else held.set(holder, [task])
  }
  for (const ofHolder of held.values()) {
    const [first] = ofHolder
    if (!first) continue
    const { frameworkId, role, agentId } = first
    const resources = Resources.sum(ofHolder.map(task => task.resources))
    state.allocator.charge({ frameworkId, role, agentId, resources })
  }
}

function takeTask(
  turn: Turn,
  agent: Agent,
  { task, report, isNew, mustEnd }: Returned,
  wasUnreachable: boolean,
): void {
  if (isNew && wasUnreachable) tellState(turn, task)
  if (report.status) applyStatus(turn, task, report.status)
  // Its framework has been told that it has ended, e.g. as GONE, or has ended itself; until it has, it holds what it holds.
  if (mustEnd) return killTask(turn, task)
  if (wasUnreachable && turn.state.tasks.has(task.key)) {
    task.state = report.state
    masterStatus(turn, task, report.state, 'AGENT_REREGISTERED', `agent ${agent.agentId} is reachable again`)
  }
}

/** Of one whose agent is away this one knows more: if it runs there, too, it is killed when that agent comes back. */
function forgetTask({ state }: Turn, task: Task): void {
  const { frameworkId, role, agentId, resources } = task
  state.tasks.delete(task)
  state.allocator.release({ frameworkId, role, agentId, resources })
}

/** Its framework has used the id again elsewhere, as if the task had ended: so it must. */
function killDouble(turn: Turn, agent: Agent, { frameworkId, taskId }: AgentTask, known: Task): void {
  turn.log('warn', 'a task runs on two agents; it is killed on the one that came later', {
    taskId,
    frameworkId,
    agentId: agent.agentId,
    otherAgentId: known.agentId,
  })
  callAgent(turn, agent, 'kill', undefined, { frameworkId, taskId })
}

/** It ended while no leader knew it: its agent resends how, and whoever asks meanwhile is to hear the same. */
function rememberEnded({ state }: Turn, task: Task, { status }: AgentTask): void {
  if (state.endedTasks.has(task.key)) return
  if (status) task.status = { ...status, agentId: task.agentId }
  keepEnded(state, task)
}

function taskOf(turn: Turn, { agentId }: Agent, key: TaskKey, report: AgentTask): Task {
  const { frameworkId, taskId, role } = report
  return {
    key,
    taskId,
    frameworkId,
    agentId,
    role,
    name: report.name ?? taskId,
    resources: Resources.fromWire(report.resources),
    labels: report.labels ?? {},
    launchedAtMs: report.launchedAtMs,
    frameworkSince: report.frameworkSince,
    state: report.state,
    status: undefined,
    updatedAtMs: turn.now,
    killedFor: undefined,
  }
}
