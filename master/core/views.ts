import type { Millis } from '@tender/sdk/runtime'
import type { Agent, Framework, MasterState, OfferRecord, Task } from './state.js'
import type {
  AgentView,
  FrameworkView,
  LeaderView,
  OfferView,
  RoleView,
  StateView,
  TaskView,
} from './view.js'

const shownEndedOffers = 100
const shownEndedTasks = 1_000

export function viewLeader(state: MasterState): LeaderView {
  return { ...state.leadership, isLeader: true }
}

export function viewAgent(state: MasterState, agent: Agent): AgentView {
  const { agentId } = agent
  const { offered, allocated } = state.allocator.held({ agentId })
  return {
    ...agent.info,
    resources: agent.total.toWire(),
    state: agent.state,
    registeredAtMs: agent.registeredAtMs,
    heardAtMs: agent.heardAtMs,
    ...(agent.unreachableAtMs === undefined ? {} : { unreachableAtMs: agent.unreachableAtMs }),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
    free: state.allocator.free(agentId).toWire(),
    taskCount: count(state.tasks.values(), task => task.agentId === agentId),
  }
}

export function viewFramework(state: MasterState, framework: Framework): FrameworkView {
  const { frameworkId } = framework
  const { offered, allocated } = state.allocator.held({ frameworkId })
  return {
    ...framework.info,
    state: framework.state,
    suppressedRoles: [...framework.suppressedRoles].toSorted(),
    subscribedAtMs: framework.subscribedAtMs,
    ...(framework.disconnectedAtMs === undefined ? {} : { disconnectedAtMs: framework.disconnectedAtMs }),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
    offerCount: count(state.offers.values(), record => record.offer.frameworkId === frameworkId),
    taskCount: count(state.tasks.values(), task => task.frameworkId === frameworkId),
  }
}

export function viewRole(state: MasterState, role: string): RoleView {
  const { offered, allocated } = state.allocator.held({ role })
  const frameworks = [...state.frameworks.values()].filter(framework => framework.info.roles.includes(role))
  return {
    role,
    weight: state.allocator.weight(role),
    dominantShare: state.allocator.roleShare(role) ?? 0,
    frameworkIds: frameworks.map(({ frameworkId }) => frameworkId).toSorted(),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
  }
}

export function viewOffer(state: MasterState, record: OfferRecord, now: Millis): OfferView {
  const { offer, endedAtMs, reason } = record
  return {
    ...offer,
    frameworkName: state.frameworks.get(offer.frameworkId)?.info.name ?? offer.frameworkId,
    state: record.state,
    ageMs: Math.max(0, (endedAtMs ?? now) - offer.madeAtMs),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    ...(reason === undefined ? {} : { reason }),
  }
}

export function viewTask(state: MasterState, task: Task): TaskView {
  return {
    taskId: task.taskId,
    frameworkId: task.frameworkId,
    agentId: task.agentId,
    hostname: state.agents.get(task.agentId)?.info.hostname ?? task.agentId,
    role: task.role,
    name: task.name,
    resources: task.resources.toWire(),
    labels: task.labels,
    state: task.state,
    launchedAtMs: task.launchedAtMs,
    updatedAtMs: task.updatedAtMs,
    ...(task.status ? { status: task.status } : {}),
  }
}

export const viewAgents = (state: MasterState): AgentView[] =>
  byText([...state.agents.values()], agent => agent.agentId).map(agent => viewAgent(state, agent))

export const viewFrameworks = (state: MasterState): FrameworkView[] =>
  byText([...state.frameworks.values()], framework => framework.frameworkId).map(each =>
    viewFramework(state, each),
  )

export const viewRoles = (state: MasterState): RoleView[] =>
  byText([...state.roles.keys()], role => role).map(role => viewRole(state, role))

/** Outstanding ones, oldest first. */
export const viewOffers = (state: MasterState, now: Millis): OfferView[] =>
  [...state.offers.values()].map(record => viewOffer(state, record, now))

/** Newest first. */
export const viewRecentOffers = (state: MasterState, now: Millis): OfferView[] =>
  state.endedOffers
    .slice(-shownEndedOffers)
    .toReversed()
    .map(record => viewOffer(state, record, now))

/** Newest first, those that run before those that have ended. */
export function viewTasks(state: MasterState): TaskView[] {
  const live = [...state.tasks.values()].toReversed()
  const ended = [...state.endedTasks.values()].slice(-shownEndedTasks).toReversed()
  return [...live, ...ended].map(task => viewTask(state, task))
}

export function viewState(state: MasterState, now: Millis): StateView {
  return {
    leader: viewLeader(state),
    agents: viewAgents(state),
    frameworks: viewFrameworks(state),
    roles: viewRoles(state),
    offers: viewOffers(state, now),
    recentOffers: viewRecentOffers(state, now),
    tasks: viewTasks(state),
  }
}

function count<T>(items: Iterable<T>, counts: (item: T) => boolean): number {
  let sum = 0
  for (const item of items) if (counts(item)) sum++
  return sum
}

function byText<T>(items: T[], text: (item: T) => string): T[] {
  return items.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
}
