import type { Shape } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import type { Explanation } from '../core/view.js'
import type { AgentBook } from './agent-book.js'
import type { Claimant } from './claimant.js'
import { type Batch, Cycle } from './cycle.js'
import { Demand } from './demand.js'
import { Explainer } from './explain.js'
import type { Filter, FilterEnd } from './filters.js'
import { Lot } from './lot.js'
import { parseMinimum } from './minimum.js'
import { quotaProblem, reservationProblem, type QuotaChange, standsInTheWay } from './quota.js'
import type { Reason } from './reasons.js'
import type { RoleNode } from './role-tree.js'
import { byName } from './shares.js'
import { seriesOf } from './series.js'
import { AllocatorState } from './state.js'
import type {
  AgentCondition,
  AgentFacts,
  AllocatorSettings,
  Claim,
  FrameworkFacts,
  Grant,
  Holding,
  Quota,
  Series,
} from './types.js'

export const defaultAllocatorSettings: AllocatorSettings = {
  allocationIntervalMs: 1_000,
  allocateOnRelease: true,
  minAllocatable: parseMinimum('cpus:0.01|mem:32'),
  fairnessExcluded: new Set(),
  demandAware: true,
  sorter: 'drf',
  seed: 1,
}

const nobody: ReadonlySet<Claimant> = new Set()

/** A look at some agents for everybody, and at all agents for some claimants, part by part. */
interface Sweep {
  readonly agents: readonly AgentBook[]
  readonly due: ReadonlySet<AgentBook> | 'all'
  readonly claimants: ReadonlySet<Claimant>
  position: number
}

/** Whose holdings are asked for: all that is named must fit. */
export interface Whose {
  readonly agentId?: string
  readonly frameworkId?: string
  readonly role?: string
}

/**
 * Decides who is offered what: dominant-resource fairness over a tree of roles, with quota, reservations and demand. It
 * knows nothing of subjects, sessions or tasks' commands. Whatever changed marks the agents that a cycle has to look at
 * again, and a cycle looks at no others, so that an idle cluster costs nothing.
 */
export class Allocator {
  readonly settings: AllocatorSettings
  readonly #state: AllocatorState
  readonly #lot: Lot
  /** Filters whose time is over, and under which no cycle has passed yet. */
  #overdue: Filter[] = []
  /** All that waits is to be looked at in the next cycle, as at a tick. */
  #isAllDue = false
  /** The last batch was of agents that are new or changed. */
  #wasOnlyNew = false
  /** The look that is under way. */
  #sweep: Sweep | undefined

  constructor(settings: AllocatorSettings = defaultAllocatorSettings) {
    this.settings = settings
    this.#state = new AllocatorState(settings)
    this.#lot = new Lot(settings.seed)
  }

  // Agents

  /**
   * A new agent, or a known one with other facts: looked at in the next cycle, whatever the settings. Filters end when
   * its attributes, hostname or domain have changed. What is offered and no longer there is the caller's to take back
   * before.
   */
  setAgent(facts: AgentFacts): void {
    const state = this.#state
    const known = state.agents.get(facts.agentId)
    const agent = known ?? state.addAgent(facts)
    if (known) {
      if (isElsewhere(known.facts, facts)) state.endFiltersOf(known)
      state.changeAgent(known, () => {
        known.setTotal(facts)
        known.isWhitelisted = state.whitelist?.has(facts.hostname) ?? true
      })
    }
    state.unblockAll()
    state.dueNow.add(agent)
  }

  setAgentCondition(agentId: string, condition: AgentCondition): void {
    const state = this.#state
    const agent = state.agents.get(agentId)
    if (!agent || agent.condition === condition) return
    state.changeAgent(agent, () => {
      agent.condition = condition
    })
    state.unblockAll()
    state.dueLater.add(agent)
  }

  agentCondition(agentId: string): AgentCondition {
    return this.#state.agent(agentId).condition
  }

  /** Whether any role has one. */
  get hasQuotas(): boolean {
    return this.#state.tree.hasQuotas
  }

  /** With all that is held there. */
  removeAgent(agentId: string): void {
    const agent = this.#state.agents.get(agentId)
    if (!agent) return
    this.#state.removeAgent(agent)
    this.#state.unblockAll()
  }

  /** Only agents of these hostnames are offered; undefined: all. */
  setWhitelist(hostnames: ReadonlySet<string> | undefined): void {
    const state = this.#state
    state.whitelist = hostnames
    for (const agent of state.agents.values()) {
      const isWhitelisted = hostnames?.has(agent.facts.hostname) ?? true
      if (isWhitelisted === agent.isWhitelisted) continue
      state.changeAgent(agent, () => {
        agent.isWhitelisted = isWhitelisted
      })
      if (isWhitelisted) state.dueLater.add(agent)
    }
    state.unblockAll()
  }

  /** Reservations or volumes change in what is free on an agent. @throws BooksError when `from` is not free */
  convertFree(agentId: string, from: Resources, to: Resources): void {
    const agent = this.#state.agent(agentId)
    this.#state.changeAgent(agent, () => agent.convertFree(from, to))
    this.#state.unblockAll()
    this.#state.dueLater.add(agent)
  }

  /** The same in what a framework holds as offered; the claim's resources become `to`. */
  convertOffered(claim: Claim, to: Resources): void {
    const state = this.#state
    const agent = state.agent(claim.agentId)
    const claimant = state.claimant(claim)
    const [from, into] = [state.vectors.of(claim.resources), state.vectors.of(to)]
    state.tree.consume(claimant.leaf, from.unreserved, -1)
    state.changeAgent(agent, () => agent.convertOffered(claimant.index, claim.resources, to))
    state.tree.consume(claimant.leaf, into.unreserved, 1)
    // Shares count both alike, but for a volume that has become a shared one, which is counted apart.
    state.recountShared(agent, claimant, claim.resources, to)
    claimant.demand?.recount()
    state.unblockAll()
  }

  // Frameworks

  /** A framework subscribes, says something new of itself, or is there again. */
  setFramework(facts: FrameworkFacts): void {
    const { claimants, settings } = this.#state
    const framework = claimants.setFacts(facts, settings.minAllocatable)
    for (const claimant of [...framework.claimants.values()]) {
      if (claimant.isMember) this.#lookEverywhereFor(claimant)
      else {
        this.#state.endFiltersBy(claimant)
        claimants.forgetIfUnused(claimant)
      }
    }
    this.#isAllDue = true
  }

  /** The connection is lost: no offers, and its filters end; what it holds stays charged to it. */
  deactivateFramework(frameworkId: string): void {
    const framework = this.#state.claimants.frameworks.get(frameworkId)
    if (!framework) return
    framework.isActive = false
    for (const claimant of framework.claimants.values()) {
      this.#state.claimants.activate(claimant)
      this.#state.endFiltersBy(claimant)
    }
  }

  removeFramework(frameworkId: string): void {
    const { claimants } = this.#state
    const framework = claimants.frameworks.get(frameworkId)
    if (!framework) return
    this.deactivateFramework(frameworkId)
    framework.isSubscribed = false
    for (const claimant of [...framework.claimants.values()]) {
      claimants.setMember(claimant, false)
      claimants.noteSpecial(claimant, this.settings.minAllocatable)
      claimants.forgetIfUnused(claimant)
    }
    claimants.forgetFrameworkIfUnused(framework)
  }

  suppress(frameworkId: string, roles: readonly string[]): void {
    for (const claimant of this.#of(frameworkId, roles)) {
      claimant.isSuppressed = true
      this.#state.claimants.activate(claimant)
    }
  }

  /** Filters stay. */
  unsuppress(frameworkId: string, roles: readonly string[]): void {
    for (const claimant of this.#of(frameworkId, roles)) {
      claimant.isSuppressed = false
      this.#state.claimants.activate(claimant)
      this.#lookEverywhereFor(claimant)
    }
    this.#isAllDue = true
  }

  /** Suppression stays. */
  clearFilters(frameworkId: string, roles: readonly string[]): void {
    for (const claimant of this.#of(frameworkId, roles))
      if (this.#state.endFiltersBy(claimant)) this.#lookEverywhereFor(claimant)
    this.#isAllDue = true
  }

  isSuppressed(frameworkId: string, role: string): boolean {
    return this.#state.claimants.find(frameworkId, role)?.isSuppressed ?? false
  }

  /** What a framework wants in a role from now on; undefined: whole remainders again, an empty list: nothing. */
  setDemand(frameworkId: string, role: string, shapes: readonly Shape[] | undefined): void {
    const claimant = this.#state.claimants.find(frameworkId, role)
    if (!claimant?.isMember) return
    claimant.demand =
      shapes && new Demand(shapes, this.#state.offersOf(claimant), claimant.index, this.#state.vectors)
    this.#state.claimants.noteSpecial(claimant, this.settings.minAllocatable)
    this.#lookEverywhereFor(claimant)
    this.#isAllDue = true
  }

  /** The shapes that are wanted still, with the tasks launched since taken off their counts. */
  demand(frameworkId: string, role: string): readonly Shape[] | undefined {
    return this.#state.claimants
      .find(frameworkId, role)
      ?.demand?.shapes.map(({ shape, count }) => ({ ...shape, count }))
  }

  // Roles

  setWeight(role: string, weight: number): void {
    this.#state.refresh()
    this.#state.tree.setWeight(role, weight)
    if (weight === 1) this.#state.tree.prune(role)
  }

  weight(role: string): number {
    return this.#state.tree.find(role)?.weight ?? 1
  }

  /** Sets both; undefined: no quota. Whether it may be is asked before, of `quotaProblem`. */
  setQuota(role: string, quota: Quota | undefined): void {
    const { tree } = this.#state
    this.#state.unblockAll()
    tree.setQuota(role, quota)
    if (!quota) tree.prune(role)
  }

  quota(role: string): Quota | undefined {
    return this.#state.tree.find(role)?.quota
  }

  quotaProblem(changes: readonly QuotaChange[], force: boolean): ReturnType<typeof quotaProblem> {
    return quotaProblem(this.#state, changes, force)
  }

  /** Whether to take this offer back would help guarantees that cannot be satisfied from what is free now. */
  standsInTheWay(claim: Claim): boolean {
    return standsInTheWay(this.#state, claim)
  }

  /** Why these resources cannot become reserved so because of a limit, or undefined. */
  reservationProblem(from: Resources, to: Resources, holderRole: string | undefined): string | undefined {
    return reservationProblem(this.#state, from, to, holderRole)
  }

  // Books

  /** A task that runs already, such as one that a registering agent reports. */
  charge(claim: Claim): void {
    this.#state.charge(claim, 'allocated')
    // Of a role below its guarantee it lowers what must be kept free.
    this.#state.unblockAll()
  }

  /** A task is launched with a part of what is offered. */
  use(claim: Claim): void {
    const claimant = this.#state.claimant(claim)
    const agent = this.#state.agent(claim.agentId)
    agent.use(claimant.index, claim.resources)
    // Its shared volumes may be offered to it again.
    if (!agent.shared.isEmpty) this.#state.dueLater.add(agent)
    if (!claimant.demand) return
    // It may be another shape than that which was offered, which is wanted again then.
    claimant.demand.launched(claim.resources)
    this.#state.claimantsLater.add(claimant)
  }

  /** A task has ended. */
  release(claim: Claim): void {
    const { agentId, resources } = claim
    this.#state.release(this.#state.agent(agentId), this.#state.claimant(claim), resources, 'allocated')
  }

  /** An offer, or the rest of one, comes back; `refuseUntilMs` keeps it from this framework for a while. */
  recover(claim: Claim, refuseUntilMs?: Millis): void {
    const { agentId, resources } = claim
    const agent = this.#state.agent(agentId)
    const claimant = this.#state.claimant(claim)
    const isRefused = refuseUntilMs !== undefined && !resources.isEmpty && claimant.isMember
    if (isRefused) this.#state.addFilter(agent, claimant, resources, refuseUntilMs)
    this.#state.release(agent, claimant, resources, 'offered')
  }

  total(agentId: string): Resources {
    return this.#state.agents.get(agentId)?.total ?? Resources.none
  }

  /** Shared volumes included, whoever holds them. */
  free(agentId: string): Resources {
    const agent = this.#state.agents.get(agentId)
    return agent ? agent.free.plus(agent.shared) : Resources.none
  }

  /** What tasks hold of an agent. */
  allocatedOn(agentId: string): Resources {
    return this.#state.agents.get(agentId)?.heldInAll('allocated') ?? Resources.none
  }

  /** The sum of what is held of an agent, by a framework, in a role, or any of these together. Over several agents only scalars are added up: port 31000 of one is not that of another. */
  held(whose: Whose): Holding {
    const sums = { offered: Resources.none, allocated: Resources.none }
    for (const agent of this.#agentsOf(whose)) {
      let [offered, allocated] = [Resources.none, Resources.none]
      for (const holding of agent.holders) {
        const claimant = this.#state.claimants.at(holding.claimant)
        if (!claimant || !isOf(claimant, whose)) continue
        offered = offered.plus(holding.offered)
        allocated = allocated.plus(holding.allocated)
      }
      const add = whose.agentId === undefined ? scalarsOf : (resources: Resources) => resources
      sums.offered = sums.offered.plus(add(agent.once(offered)))
      sums.allocated = sums.allocated.plus(add(agent.once(allocated)))
    }
    return sums
  }

  /** Who holds something of an agent. */
  holders(agentId: string): ({ readonly frameworkId: string; readonly role: string } & Holding)[] {
    const agent = this.#state.agents.get(agentId)
    return (agent?.holders ?? []).flatMap(({ claimant: index, offered, allocated }) => {
      const claimant = this.#state.claimants.at(index)
      return claimant
        ? [{ frameworkId: claimant.framework.frameworkId, role: claimant.role, offered, allocated }]
        : []
    })
  }

  // Deciding

  /**
   * One allocation cycle over all that is due at once, or over so many agents of it: then `hasMore` says that another
   * call goes on with the rest.
   */
  cycle(now: Millis, mostAgents = Infinity): Grant[] {
    this.#endFilters(now)
    this.#state.calls += 1
    move(this.#state.dueAfterwards, this.#state.dueLater)
    move(this.#state.claimantsAfterwards, this.#state.claimantsLater)
    const grants: Grant[] = []
    let left = mostAgents
    for (let batch = this.#nextBatch(left); batch; batch = this.#nextBatch(left)) {
      this.#state.cycles += 1
      // One by one: there may be more than a call takes as arguments.
      for (const grant of new Cycle(this.#state, this.#lot, batch).run()) grants.push(grant)
      left -= batch.agents.length
    }
    this.#endOverdue()
    return grants
  }

  /** A periodic tick: a cycle over all that has waited for it as well. */
  tick(now: Millis, mostAgents = Infinity): Grant[] {
    this.#isAllDue = true
    const grants = this.cycle(now, mostAgents)
    this.#state.ticks += 1
    this.#endOverdue()
    return grants
  }

  /** Whether something is due at once still. */
  get hasMore(): boolean {
    const { dueNow, dueLater, claimantsNow, claimantsLater } = this.#state
    if (this.#isAllDue || this.#sweep || dueNow.size > 0 || claimantsNow.size > 0) return true
    return this.settings.allocateOnRelease && (dueLater.size > 0 || claimantsLater.size > 0)
  }

  /** When the next filter ends; undefined: none does. */
  nextDueMs(): Millis | undefined {
    return this.#state.filterEnds.nextMs()
  }

  // Looking

  /** Roles with somebody to serve, in the order in which they would be served now. */
  roleOrder(): string[] {
    this.#state.refresh()
    const roles: string[] = []
    this.#state.tree.leaves(leaf => {
      roles.push(leaf.role)
      return true
    })
    return roles
  }

  /** A role's frameworks that may be served, in the order in which they would be now. */
  frameworkOrder(role: string): string[] {
    this.#state.refresh()
    const leaf: RoleNode | undefined = this.#state.tree.findLeaf(role)
    if (!leaf) return []
    return this.#state.claimants
      .inOrder(leaf)
      .sorted()
      .flatMap(index => this.#state.claimants.at(index)?.framework.frameworkId ?? [])
  }

  /** A role's dominant share, of all that its subtree holds, divided by its weight; undefined: nobody knows the role. */
  roleShare(role: string): number | undefined {
    this.#state.refresh()
    const { tree } = this.#state
    const node = tree.isKnown(role) ? tree.find(role) : undefined
    return node && tree.shareOf(node).value
  }

  /** A framework's dominant share in a role; undefined: it is not in it, and holds nothing. */
  frameworkShare(role: string, frameworkId: string): number | undefined {
    this.#state.refresh()
    return this.#state.claimants.find(frameworkId, role)?.share.value
  }

  /** What `/metrics` shows of the allocator. */
  series(): Series[] {
    this.#state.refresh()
    return seriesOf(this.#state)
  }

  /** Why a framework is not offered what it could have been. */
  explain(
    now: Millis,
    frameworkId: string,
    options: { readonly role?: string | undefined; readonly agentId?: string | undefined } = {},
  ): Explanation {
    this.#state.refresh()
    return new Explainer(this.#state, now).explain(frameworkId, options)
  }

  /** The one reason for an agent; of several roles that which came furthest. */
  reason(now: Millis, frameworkId: string, role: string | undefined, agentId: string): Reason {
    this.#state.refresh()
    return new Explainer(this.#state, now).reason(frameworkId, role, agentId)
  }

  /** What is looked at next: a part of what is due, of so many agents at most. */
  #nextBatch(mostAgents: number): Batch | undefined {
    if (mostAgents <= 0) return undefined
    const state = this.#state
    // Agents that are new or changed come first, and alone; whatever that makes possible elsewhere comes after.
    const isOnlyNew =
      state.dueNow.size > 0 && state.claimantsNow.size === 0 && !this.#isAllDue && !this.#sweep
    if (this.#wasOnlyNew) move(state.claimantsAfterwards, state.claimantsLater)
    this.#wasOnlyNew = isOnlyNew
    if (!isOnlyNew) this.#takeWhatWaits()
    if (!this.#sweep && state.dueNow.size > 0) {
      this.#sweep = { agents: state.inOrder(state.dueNow), due: 'all', claimants: nobody, position: 0 }
      state.dueNow.clear()
    }
    return this.#sweep && this.#nextOfSweep(this.#sweep, mostAgents)
  }

  #takeWhatWaits(): void {
    const state = this.#state
    if (this.#isAllDue || this.settings.allocateOnRelease) {
      move(state.dueLater, state.dueNow)
      move(state.claimantsLater, state.claimantsNow)
    }
    this.#isAllDue = false
    if (this.#sweep || state.claimantsNow.size === 0) return
    const claimants = new Set([...state.claimantsNow].filter(claimant => this.#mayWant(claimant)))
    state.claimantsNow.clear()
    if (claimants.size === 0) return
    this.#sweep = { agents: state.sortedAgents(), due: new Set(state.dueNow), claimants, position: 0 }
    state.dueNow.clear()
  }

  #mayWant(claimant: Claimant): boolean {
    const demand = this.settings.demandAware ? claimant.demand : undefined
    return claimant.isActive && !demand?.isMet(demand.open())
  }

  #nextOfSweep(sweep: Sweep, mostAgents: number): Batch {
    const part = sweep.agents.slice(sweep.position, sweep.position + mostAgents)
    sweep.position += part.length
    if (sweep.position >= sweep.agents.length) this.#sweep = undefined
    const agents = part.filter(agent => this.#state.agents.get(agent.agentId) === agent)
    return { agents, due: sweep.due, claimants: sweep.claimants }
  }

  #endFilters(now: Millis): void {
    const next = this.#state.filterEnds.nextMs()
    if (next !== undefined && next <= now)
      this.#overdue = this.#overdue.concat(this.#state.filterEnds.take(now))
    this.#endOverdue()
  }

  #endOverdue(): void {
    if (this.#overdue.length === 0) return
    const waiting: Filter[] = []
    for (const filter of this.#overdue) {
      if (!filter.end) continue
      if (this.#hasPassed(filter, filter.end)) this.#state.endFilter(filter)
      else waiting.push(filter)
    }
    this.#overdue = waiting
  }

  /** A filter holds for one look at its agent at least, however short its time (Mesos: one allocation interval). */
  #hasPassed(filter: Filter, { madeAt }: FilterEnd): boolean {
    const state = this.#state
    if (!this.settings.allocateOnRelease) return state.ticks > madeAt
    return (state.agentAt(filter.agent)?.lastCycle ?? Infinity) > madeAt
  }

  #lookEverywhereFor(claimant: Claimant): void {
    this.#state.claimantsNow.add(claimant)
  }

  #of(frameworkId: string, roles: readonly string[]): Claimant[] {
    return roles.flatMap(role => this.#state.claimants.find(frameworkId, role) ?? [])
  }

  #agentsOf({ agentId }: Whose): readonly AgentBook[] {
    if (agentId === undefined) return this.#state.sortedAgents()
    const agent = this.#state.agents.get(agentId)
    return agent ? [agent] : []
  }
}

function isOf(claimant: Claimant, { frameworkId, role }: Whose): boolean {
  return (
    (frameworkId === undefined || claimant.framework.frameworkId === frameworkId) &&
    (role === undefined || claimant.role === role)
  )
}

function scalarsOf(resources: Resources): Resources {
  return Resources.of(
    [...resources.entries()].filter(([, { kind }]) => kind === 'scalar' || kind === 'pieces'),
  )
}

function isElsewhere(a: AgentFacts, b: AgentFacts): boolean {
  const text = ({ hostname, attributes, domain }: AgentFacts): string =>
    JSON.stringify([
      hostname,
      Object.entries(attributes).toSorted(([one], [other]) => byName(one, other)),
      domain?.region,
      domain?.zone,
    ])
  return text(a) !== text(b)
}

function move<T>(from: Set<T>, to: Set<T>): void {
  if (from.size === 0) return
  for (const each of from) to.add(each)
  from.clear()
}
