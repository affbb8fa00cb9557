import type { Millis } from '@tender/sdk/runtime'
import { kindOf, quantitiesToWire, Resources } from '@tender/sdk/values'
import type {
  Agent,
  CompletedFramework,
  Framework,
  InverseOfferRecord,
  MasterState,
  OfferRecord,
  Task,
} from './state.js'
import type {
  AgentView,
  CompletedFrameworkView,
  FrameworkView,
  InverseOfferView,
  LeaderView,
  OfferView,
  RoleQuotaView,
  RoleView,
  StateView,
  TaskView,
} from './view.js'

const shownEndedOffers = 100
const shownEndedTasks = 1_000

export function viewLeader(state: MasterState): LeaderView {
  const { leadership, suspicion } = state
  return { ...leadership, isLeader: true, ...(suspicion === undefined ? {} : { suspicion }) }
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
    ...(agent.order.condition === 'active' ? {} : { condition: agent.order.condition }),
    ...(agent.order.condition === 'draining' && agent.order.endsAtMs !== undefined
      ? { drainEndsAtMs: agent.order.endsAtMs }
      : {}),
    ...(agent.problem === undefined ? {} : { problem: agent.problem }),
    ...(agent.isSilent ? { isSilent: true } : {}),
    ...(agent.unavailability === undefined ? {} : { unavailability: agent.unavailability }),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
    free: state.allocator.free(agentId).toWire(),
    taskCount: state.tasks.countOfAgent(agentId),
  }
}

export function viewFramework(state: MasterState, framework: Framework): FrameworkView {
  const { frameworkId } = framework
  const { offered, allocated } = state.allocator.held({ frameworkId })
  const demands = framework.info.roles.flatMap(role => {
    const shapes = state.allocator.demand(frameworkId, role)
    return shapes ? [{ role, shapes }] : []
  })
  return {
    ...framework.info,
    state: framework.state,
    suppressedRoles: [...framework.suppressedRoles].toSorted(),
    ...(demands.length === 0 ? {} : { demands }),
    subscribedAtMs: framework.subscribedAtMs,
    ...(framework.disconnectedAtMs === undefined ? {} : { disconnectedAtMs: framework.disconnectedAtMs }),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
    offerCount: count(state.offers.values(), record => record.offer.frameworkId === frameworkId),
    taskCount: state.tasks.countOfFramework(frameworkId),
  }
}

export function viewCompletedFramework(framework: CompletedFramework): CompletedFrameworkView {
  const { info, subscribedAtMs, completedAtMs, reason } = framework
  const { frameworkId, name, roles } = info
  return { frameworkId, name, roles, subscribedAtMs, completedAtMs, reason }
}

/** A role is known when a framework, a task, a reservation, a weight or a quota names it. */
export function knowsRole(state: MasterState, role: string): boolean {
  return knownRoles(state, reservedByRole(state)).has(role)
}

/** @param reserved by role, when it is at hand */
export function viewRole(
  state: MasterState,
  role: string,
  reserved: ReadonlyMap<string, Resources> = reservedByRole(state),
): RoleView {
  const { offered, allocated } = state.allocator.held({ role })
  const frameworks = [...state.frameworks.values()].filter(framework => framework.info.roles.includes(role))
  const quota = viewQuota(state, role, reserved)
  return {
    role,
    weight: state.allocator.weight(role),
    dominantShare: state.allocator.roleShare(role) ?? 0,
    frameworkIds: frameworks.map(({ frameworkId }) => frameworkId).toSorted(),
    ...(quota ? { quota } : {}),
    reserved: (reserved.get(role) ?? Resources.none).toWire(),
    allocated: allocated.toWire(),
    offered: offered.toWire(),
  }
}

function viewQuota(
  state: MasterState,
  role: string,
  reserved: ReadonlyMap<string, Resources>,
): RoleQuotaView | undefined {
  const quota = state.allocator.quota(role)
  if (!quota) return undefined
  const { guarantee, limit } = quota
  const consumed = consumption(state, role, reserved)
  const named = new Set([...guarantee.keys(), ...limit.keys()].toSorted())
  return {
    ...(guarantee.size > 0 ? { guarantee: quantitiesToWire(guarantee) } : {}),
    ...(limit.size > 0 ? { limit: quantitiesToWire(limit) } : {}),
    consumed: Object.fromEntries([...named].map(name => [name, consumed.scalar(name)])),
  }
}

/** What is reserved for the role and those below it, held or not, and what they hold of the rest, not revocable. */
function consumption(state: MasterState, role: string, reserved: ReadonlyMap<string, Resources>): Resources {
  const below = [...knownRoles(state, reserved)].filter(each => each === role || each.startsWith(`${role}/`))
  const consumed = below.map(each => {
    const { offered, allocated } = state.allocator.held({ role: each })
    const unreserved = offered.plus(allocated).only(kind => !kind.reservation && !kind.isRevocable)
    return unreserved.plus(reserved.get(each) ?? Resources.none)
  })
  return Resources.sum(consumed)
}

function reservedByRole(state: MasterState): Map<string, Resources> {
  const reserved = new Map<string, Resources>()
  for (const { total } of state.agents.values()) {
    for (const [key, value] of total.entries()) {
      const role = kindOf(key).reservation?.roles.at(-1)
      if (role === undefined) continue
      // Port 31000 of one agent is not that of another: only amounts are added up.
      const isAmount = value.kind === 'scalar' || value.kind === 'pieces'
      const more = isAmount ? Resources.of([[key, value]]) : Resources.none
      reserved.set(role, (reserved.get(role) ?? Resources.none).plus(more))
    }
  }
  return reserved
}

function knownRoles(state: MasterState, reserved: ReadonlyMap<string, Resources>): Set<string> {
  const roles = new Set([...state.roles, ...reserved.keys()])
  for (const { info } of state.frameworks.values()) for (const role of info.roles) roles.add(role)
  for (const { role } of state.tasks.values()) roles.add(role)
  return roles
}

export function viewInverseOffer({ inverseOffer, madeAtMs, answer }: InverseOfferRecord): InverseOfferView {
  return { ...inverseOffer, madeAtMs, ...(answer === undefined ? {} : { answer }) }
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

/** Newest first. */
export const viewCompletedFrameworks = (state: MasterState): CompletedFrameworkView[] =>
  [...state.completedFrameworks.values()].toReversed().map(viewCompletedFramework)

export function viewRoles(state: MasterState): RoleView[] {
  const reserved = reservedByRole(state)
  return [...knownRoles(state, reserved)].toSorted().map(role => viewRole(state, role, reserved))
}

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

/** Outstanding ones, answered or not, by agent and framework. */
export const viewInverseOffers = (state: MasterState): InverseOfferView[] =>
  [...state.inverseOffers.values()].flatMap(records => [...records.values()].map(viewInverseOffer))

export function viewState(state: MasterState, now: Millis): StateView {
  return {
    leader: viewLeader(state),
    agents: viewAgents(state),
    frameworks: viewFrameworks(state),
    roles: viewRoles(state),
    offers: viewOffers(state, now),
    recentOffers: viewRecentOffers(state, now),
    tasks: viewTasks(state),
    inverseOffers: viewInverseOffers(state),
    ...(state.whitelist === undefined ? {} : { whitelist: state.whitelist }),
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
