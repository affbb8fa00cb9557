import {
  isAllocatableTo,
  keyOf,
  type Quantities,
  type ResourceKind,
  Resources,
  type Thousandths,
} from '@tender/sdk/values'
import type {
  AgentCondition,
  AgentFacts,
  AllocatorSettings,
  Claim,
  FrameworkFacts,
  Grant,
  Holding,
  Minimum,
  Quota,
  Shape,
} from '../../../master/allocator/types.js'
import { addScalars, cutUnreserved, isUnreserved, scalarsOf, takeShape } from './amounts.js'
import { type Agent, Books, type Entry, scalarsHeld, sumOf } from './books.js'
import type { ComparedAllocator } from './compared-allocator.js'
import { meets } from './constraints.js'
import { compareFractions, dividedBy, exactly, type Fraction, fraction, toNumber, zero } from './fraction.js'
import { childrenOf, compareBytes, isWithin, withAncestors } from './roles.js'

interface Framework {
  facts: FrameworkFacts
  suppressed: Set<string>
  isActive: boolean
}

interface Filter {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly refused: Resources
  readonly untilMs: number
  /** Whether a tick, or with allocation on release a cycle, has passed under it, whether or not its agent was offered. */
  hasStopped: boolean
}

interface Demand {
  readonly declaration: number
  shapes: readonly Shape[]
}

/** Somebody who may be offered something: a framework in one of its roles. */
interface Client {
  readonly framework: Framework
  readonly role: string
}

interface Sibling {
  readonly name: string
  readonly share: Fraction
  readonly offersMade: number
}

/** Roles with a missing guarantee come first; then everybody. */
type Stage = 'guarantees' | 'fair share'

/**
 * The allocator once more, as a description that runs: slow, and with nothing remembered that can be found out. What
 * the allocator decides is compared with what this decides.
 */
export class ReferenceAllocator implements ComparedAllocator {
  readonly settings: AllocatorSettings
  readonly books = new Books()
  readonly frameworks = new Map<string, Framework>()
  readonly quotas = new Map<string, Quota>()
  readonly #weights = new Map<string, number>()
  readonly #demands = new Map<string, Demand>()
  #declarations = 0
  #whitelist: ReadonlySet<string> | undefined
  #filters: Filter[] = []
  /** One entry for each offer ever made: whose count it is in. Who is gone has forgotten it. */
  readonly #offersMade: Set<string>[] = []

  #isAllDue = false
  /** Offered since `cycle` or `tick` was called. */
  #sharedOffered: { readonly agentId: string; readonly resources: Resources }[] = []

  constructor(settings: AllocatorSettings) {
    this.settings = settings
  }

  // ---- agents

  setAgent(facts: AgentFacts): void {
    const known = this.books.agents.get(facts.agentId)
    if (known && describes(known.facts) !== describes(facts))
      this.#filters = this.#filters.filter(filter => filter.agentId !== facts.agentId)
    this.books.agents.set(facts.agentId, { facts, condition: known?.condition ?? 'active', isDue: true })
    this.#forget()
  }

  setAgentCondition(agentId: string, condition: AgentCondition): void {
    this.books.agent(agentId).condition = condition
  }

  removeAgent(agentId: string): void {
    this.books.agents.delete(agentId)
    this.books.entries = this.books.entries.filter(entry => entry.agentId !== agentId)
    this.#filters = this.#filters.filter(filter => filter.agentId !== agentId)
    this.#forget()
  }

  setWhitelist(hostnames: ReadonlySet<string> | undefined): void {
    this.#whitelist = hostnames
  }

  convertFree(agentId: string, from: Resources, to: Resources): void {
    if (!this.free(agentId).contains(from)) throw new RangeError(`${String(from)} is not free`)
    this.books.convert(agentId, from, to)
    this.#forget()
  }

  convertOffered(claim: Claim, to: Resources): void {
    this.books.takeOut(claim, false)
    this.books.convert(claim.agentId, claim.resources, to)
    this.books.add({ ...claim, resources: to }, false)
    this.#forget()
  }

  // ---- frameworks

  setFramework(facts: FrameworkFacts): void {
    this.frameworks.set(facts.frameworkId, {
      facts,
      suppressed: new Set(facts.suppressed),
      isActive: true,
    })
    this.#allAreDue()
    this.#forget()
  }

  deactivateFramework(frameworkId: string): void {
    this.#framework(frameworkId).isActive = false
    this.#filters = this.#filters.filter(filter => filter.frameworkId !== frameworkId)
  }

  removeFramework(frameworkId: string): void {
    const { roles } = this.#framework(frameworkId).facts
    this.frameworks.delete(frameworkId)
    for (const role of roles) this.#demands.delete(demandKey(frameworkId, role))
    this.books.entries = this.books.entries.filter(entry => entry.frameworkId !== frameworkId)
    this.#filters = this.#filters.filter(filter => filter.frameworkId !== frameworkId)
    this.#forget()
  }

  suppress(frameworkId: string, roles: readonly string[]): void {
    for (const role of roles) this.#framework(frameworkId).suppressed.add(role)
  }

  unsuppress(frameworkId: string, roles: readonly string[]): void {
    for (const role of roles) this.#framework(frameworkId).suppressed.delete(role)
    this.#allAreDue()
  }

  clearFilters(frameworkId: string, roles: readonly string[]): void {
    this.#filters = this.#filters.filter(
      filter => filter.frameworkId !== frameworkId || !roles.includes(filter.role),
    )
    this.#allAreDue()
  }

  setDemand(frameworkId: string, role: string, shapes: readonly Shape[] | undefined): void {
    const key = demandKey(frameworkId, role)
    this.#demands.delete(key)
    if (shapes) this.#declare({ frameworkId, role }, { declaration: ++this.#declarations, shapes })
    this.#allAreDue()
  }

  /** Offers that stand already count for as many whole shapes as they would be taken for, the oldest first. */
  #declare(whose: { frameworkId: string; role: string }, demand: Demand): void {
    this.#demands.set(demandKey(whose.frameworkId, whose.role), demand)
    this.books.mergeOffers(whose)
    const standing = this.books
      .of(whose)
      .filter(each => !each.isTask)
      .toSorted((one, other) => compareBytes(one.agentId, other.agentId))
    for (const entry of standing) {
      const { facts } = this.books.agent(entry.agentId)
      const { counts } = this.#wholeShapes(facts, whose, demand, entry.resources)
      entry.made = { declaration: demand.declaration, counts, resources: entry.resources }
    }
  }

  demand(frameworkId: string, role: string): readonly Shape[] | undefined {
    return this.#demands.get(demandKey(frameworkId, role))?.shapes
  }

  #framework(frameworkId: string): Framework {
    const framework = this.frameworks.get(frameworkId)
    if (!framework) throw new Error(`there is no framework '${frameworkId}'`)
    return framework
  }

  #allAreDue(): void {
    for (const agent of this.books.agents.values()) agent.isDue = true
    this.#isAllDue = true
  }

  // ---- roles

  setWeight(role: string, weight: number): void {
    if (weight === 1) this.#weights.delete(role)
    else this.#weights.set(role, weight)
    this.#forget()
  }

  setQuota(role: string, quota: Quota | undefined): void {
    if (quota) this.quotas.set(role, quota)
    else this.quotas.delete(role)
    this.#forget()
  }

  /** Whether there would be less missing to the guarantees, beyond what is free, if this came back. */
  standsInTheWay(claim: Claim): boolean {
    const back = this.#mayBeOffered(this.books.agent(claim.agentId))
      ? scalarsOf(claim.resources, isUnreserved)
      : new Map<string, Thousandths>()
    return [...back].some(([name, amount]) => {
      const short = this.#required(name) - this.#freeInCluster(name)
      const shortThen =
        this.#required(name, { role: claim.role, amount: -amount }) - this.#freeInCluster(name) - amount
      return short > 0 && shortThen < short
    })
  }

  // ---- books

  charge(claim: Claim): void {
    this.books.add(claim, true)
  }

  use(claim: Claim): void {
    this.books.takeOut(claim, false)
    this.books.add(claim, true)
    const demand = this.#demands.get(demandKey(claim.frameworkId, claim.role))
    if (!demand) return
    const first = demand.shapes.findIndex(shape => shape.count > 0 && isJust(shape, claim.resources))
    demand.shapes = demand.shapes.map((shape, index) =>
      index === first ? { ...shape, count: shape.count - 1 } : shape,
    )
  }

  release(claim: Claim): void {
    this.books.takeOut(claim, true)
    this.#forget()
  }

  recover(claim: Claim, refuseUntilMs?: number): void {
    this.books.takeOut(claim, false)
    this.#forget()
    if (refuseUntilMs === undefined || claim.resources.isEmpty) return
    const { frameworkId, role, agentId, resources } = claim
    this.#filters.push({
      frameworkId,
      role,
      agentId,
      refused: resources,
      untilMs: refuseUntilMs,
      hasStopped: false,
    })
  }

  total(agentId: string): Resources {
    return this.books.agent(agentId).facts.total
  }

  free(agentId: string): Resources {
    return this.books.free(agentId)
  }

  held(whose: { agentId?: string; frameworkId?: string; role?: string }): Holding {
    const entries = this.books.of(whose)
    return {
      offered: sumOf(entries.filter(entry => !entry.isTask)),
      allocated: sumOf(entries.filter(entry => entry.isTask)),
    }
  }

  // ---- deciding

  cycle(now: number): Grant[] {
    this.#sharedOffered = []
    const all = [...this.books.agents.values()]
    const due = all.filter(agent => agent.isDue)
    const isOnlyAgents = !this.#isAllDue
    this.#isAllDue = false
    // Agents that are new or changed come first, and alone.
    const first = isOnlyAgents && due.length > 0 ? this.#allocate(now, due, 'cycle') : []
    if (this.settings.allocateOnRelease) return [...first, ...this.#allocate(now, all, 'cycle')]
    return isOnlyAgents ? first : this.#allocate(now, due, 'cycle')
  }

  tick(now: number): Grant[] {
    this.#sharedOffered = []
    this.#isAllDue = false
    return this.#allocate(now, [...this.books.agents.values()], 'tick')
  }

  #allocate(now: number, looked: readonly Agent[], occasion: 'cycle' | 'tick'): Grant[] {
    this.#filters = this.#filters.filter(filter => !filter.hasStopped || filter.untilMs > now)
    const agents = looked
      .filter(agent => this.#mayBeOffered(agent))
      .toSorted((one, other) => compareBytes(one.facts.agentId, other.facts.agentId))
    const offers: Entry[] = []
    for (const stage of this.#stages()) {
      for (const agent of agents) {
        if (this.free(agent.facts.agentId).isEmpty) continue
        for (const client of this.#clients()) this.#offer(stage, agent, client, offers)
      }
    }
    for (const agent of looked) agent.isDue = false
    this.#sharedOffered.push(...offers.map(({ agentId, resources }) => ({ agentId, resources })))
    for (const filter of this.#filters) {
      filter.hasStopped ||= this.settings.allocateOnRelease
        ? looked.some(agent => agent.facts.agentId === filter.agentId)
        : occasion === 'tick'
    }
    return offers.map(({ frameworkId, role, agentId, resources }) => ({
      frameworkId,
      role,
      agentId,
      resources,
    }))
  }

  #stages(): readonly Stage[] {
    return this.quotas.size > 0 ? ['guarantees', 'fair share'] : ['fair share']
  }

  #mayBeOffered(agent: Agent): boolean {
    const isWhitelisted = this.#whitelist?.has(agent.facts.hostname) ?? true
    return agent.condition === 'active' && isWhitelisted
  }

  /** All who may be offered something, in the order of now. */
  #clients(): Client[] {
    return this.roleOrder().flatMap(role =>
      this.frameworkOrder(role).map(id => ({ framework: this.#framework(id), role })),
    )
  }

  /** Offers what there is to offer of this agent to this client: a new offer, or more in the one of this cycle. */
  #offer(stage: Stage, agent: Agent, client: Client, offers: Entry[]): void {
    const { framework, role } = client
    const { frameworkId } = framework.facts
    const { agentId } = agent.facts
    if (!meets(agent.facts, framework.facts.constraints.get(role))) return
    if (isWithoutGpu(agent, framework.facts)) return
    const ofThisAgent = offers.filter(offer => offer.agentId === agentId)
    // A shared volume is always free, but offered once in a cycle, and not to whom it is being offered.
    const standing = this.books.of({ frameworkId, role, agentId }).filter(entry => !entry.isTask)
    const isOfferedAlready = (kind: ResourceKind) =>
      kind.isShared &&
      [...ofThisAgent, ...this.#sharedOffered.filter(offer => offer.agentId === agentId), ...standing].some(
        offer => offer.resources.get(keyOf(kind)) !== undefined,
      )
    const allocatable = this.free(agentId).only(
      kind =>
        isAllocatableTo(kind, role) && isWithinCapabilities(kind, framework.facts) && !isOfferedAlready(kind),
    )
    const cut = cutUnreserved(allocatable, (name, available) =>
      stage === 'guarantees'
        ? this.#mostForGuarantee(role, name)
        : this.#mostForFairShare(role, name, available),
    )
    const demand = this.settings.demandAware ? this.#demands.get(demandKey(frameworkId, role)) : undefined
    const { more, counts } = demand
      ? this.#wholeShapes(agent.facts, { frameworkId, role }, demand, cut)
      : { more: cut, counts: [] }
    if (more.isEmpty) return
    if (stage === 'guarantees' && !this.#helpsGuarantee(role, more)) return
    const earlier = ofThisAgent.find(offer => offer.frameworkId === frameworkId && offer.role === role)
    const resources = earlier ? earlier.resources.plus(more) : more
    if (!demand && !holdsMinimum(resources, this.#minimum(client))) return
    if (this.#isFiltered({ frameworkId, role, agentId, resources })) return
    const offer = earlier ?? this.books.add({ frameworkId, role, agentId, resources }, false)
    offer.resources = resources
    offer.made = demand && {
      declaration: demand.declaration,
      counts: counts.map((count, index) => count + (offer.made?.counts[index] ?? 0)),
      resources,
    }
    if (earlier) return
    offers.push(offer)
    this.#offersMade.push(new Set([...withAncestors(role), `${role}/.`, `${frameworkId}@${role}`]))
  }

  #minimum({ framework, role }: Client): Minimum {
    return framework.facts.minAllocatable.get(role) ?? this.settings.minAllocatable
  }

  #isFiltered({ frameworkId, role, agentId, resources }: Claim): boolean {
    return this.#filters.some(
      filter =>
        filter.frameworkId === frameworkId &&
        filter.role === role &&
        filter.agentId === agentId &&
        filter.refused.contains(resources),
    )
  }

  /** As many whole shapes as fit and are wanted still, in the order in which they were declared. */
  #wholeShapes(
    agent: AgentFacts,
    whose: { frameworkId: string; role: string },
    demand: Demand,
    available: Resources,
  ): { more: Resources; counts: number[] } {
    this.#recount(whose, demand)
    const standing = this.books.of(whose).filter(entry => entry.made?.declaration === demand.declaration)
    const stands = demand.shapes.map((_shape, index) =>
      sum(standing.map(entry => entry.made?.counts[index] ?? 0)),
    )
    return this.#fitting(agent, demand, available, stands)
  }

  /** Of an offer of which a part is gone, what is left counts by what it holds. */
  #recount(whose: { frameworkId: string; role: string }, demand: Demand): void {
    for (const entry of this.books.of(whose)) {
      const { made } = entry
      if (made?.declaration !== demand.declaration || made.resources.equals(entry.resources)) continue
      const { facts } = this.books.agent(entry.agentId)
      const none = demand.shapes.map(() => 0)
      const { counts } = this.#fitting(facts, demand, entry.resources, none)
      entry.made = { declaration: demand.declaration, counts, resources: entry.resources }
    }
  }

  /** As many whole shapes as fit, and are wanted beyond those that stand in offers already. */
  #fitting(
    agent: AgentFacts,
    demand: Demand,
    available: Resources,
    stands: readonly number[],
  ): { more: Resources; counts: number[] } {
    let left = available
    const counts: number[] = demand.shapes.map(() => 0)
    for (const [index, shape] of demand.shapes.entries()) {
      if (!meets(agent, shape.constraints)) continue
      const open = demand.shapes.map(
        (each, other) => each.count - (stands[other] ?? 0) - (counts[other] ?? 0),
      )
      // A launch lowers the first of equal shapes, though the offer may have been made for another of them.
      const openTogether = sum(open.filter((_open, other) => isSameShape(demand.shapes[other], shape)))
      let wanted = Math.min(open[index] ?? 0, openTogether)
      for (; wanted > 0; wanted--) {
        const part = takeShape(left, Resources.fromWire(shape.resources))
        if (!part) break
        left = left.minus(part)
        counts[index] = (counts[index] ?? 0) + 1
      }
    }
    return { more: available.minus(left), counts }
  }

  // ---- quota

  /** In the first stage: what the guarantee is missing; of what no guarantee names, what nobody else needs. */
  #mostForGuarantee(role: string, name: string): Thousandths {
    const mayHave = this.#isGuaranteed(role, name)
      ? this.#missingAbove(role, name)
      : Math.max(0, this.#freeInCluster(name) - this.#required(name))
    return Math.min(mayHave, this.#limitLeft(role, name))
  }

  /** In the second stage: so much that enough stays free for what is missing to guarantees then. */
  #mostForFairShare(role: string, name: string, available: Thousandths): Thousandths {
    const free = this.#freeInCluster(name)
    const leavesEnough = (amount: Thousandths) => free - amount >= this.#required(name, { role, amount })
    return Math.min(largest(available, leavesEnough), this.#limitLeft(role, name))
  }

  #helpsGuarantee(role: string, resources: Resources): boolean {
    const names = [...scalarsOf(resources, isUnreserved).keys()]
    return names.some(name => this.#missingAbove(role, name) > 0)
  }

  #isGuaranteed(role: string, name: string): boolean {
    return withAncestors(role).some(each => (this.quotas.get(each)?.guarantee.get(name) ?? 0) > 0)
  }

  #missing(role: string, name: string, charge?: { role: string; amount: Thousandths }): Thousandths {
    const guarantee = this.quotas.get(role)?.guarantee.get(name) ?? 0
    if (guarantee === 0) return 0
    const charged = charge && isWithin(charge.role, role) ? charge.amount : 0
    return Math.max(0, guarantee - this.books.consumed(role, name) - charged)
  }

  #missingAbove(role: string, name: string): Thousandths {
    return Math.max(...withAncestors(role).map(each => this.#missing(each, name)))
  }

  /** What must stay free for all guarantees; `charge` is what would be given to a role. */
  #required(name: string, charge?: { role: string; amount: Thousandths }): Thousandths {
    const roles = [...this.quotas.keys()]
    const requiredOf = (role: string): Thousandths =>
      Math.max(this.#missing(role, name, charge), sum(childrenOf(role, roles).map(requiredOf)))
    return sum(childrenOf(undefined, roles).map(requiredOf))
  }

  #limitLeft(role: string, name: string): Thousandths {
    const left = withAncestors(role).map(each => {
      const limit = this.quotas.get(each)?.limit.get(name)
      return limit === undefined ? Infinity : Math.max(0, limit - this.books.consumed(each, name))
    })
    return Math.min(...left)
  }

  #freeInCluster(name: string): Thousandths {
    const agents = [...this.books.agents.values()].filter(agent => this.#mayBeOffered(agent))
    const free = agents.map(agent => scalarsOf(this.free(agent.facts.agentId), isUnreserved))
    return addScalars(free).get(name) ?? 0
  }

  // ---- order

  roleOrder(): string[] {
    const frameworks = [...this.frameworks.values()].filter(framework => framework.isActive)
    const served = frameworks.flatMap(({ facts, suppressed }) =>
      facts.roles.filter(role => !suppressed.has(role)),
    )
    return this.#orderBelow(undefined, [...new Set(served)])
  }

  /** The roles that are served at this place of the tree and below it. */
  #orderBelow(parent: string | undefined, served: readonly string[]): string[] {
    const subtrees = childrenOf(parent, served).map(role => {
      const roles = served.filter(each => isWithin(each, role))
      return { ...this.#asSibling(role), roles: () => this.#orderBelow(role, roles) }
    })
    if (parent === undefined) return subtrees.toSorted(compareSiblings).flatMap(each => each.roles())
    if (!served.includes(parent)) return subtrees.toSorted(compareSiblings).flatMap(each => each.roles())
    const itself = {
      name: '.',
      share: this.#share(this.books.of({ role: parent }), 1),
      offersMade: this.#offersMadeTo(`${parent}/.`),
      roles: () => [parent],
    }
    return [...subtrees, itself].toSorted(compareSiblings).flatMap(each => each.roles())
  }

  #asSibling(role: string): Sibling {
    return {
      name: role.split('/').at(-1) ?? role,
      share: this.#share(this.books.within(role), this.#weights.get(role) ?? 1),
      offersMade: this.#offersMadeTo(role),
    }
  }

  frameworkOrder(role: string): string[] {
    const frameworks = [...this.frameworks.values()].filter(
      ({ facts, suppressed, isActive }) => isActive && facts.roles.includes(role) && !suppressed.has(role),
    )
    return frameworks
      .map(({ facts: { frameworkId } }) => ({
        name: frameworkId,
        share: this.#share(this.books.of({ role, frameworkId }), 1),
        offersMade: this.#offersMadeTo(`${frameworkId}@${role}`),
      }))
      .toSorted(compareSiblings)
      .map(each => each.name)
  }

  #offersMadeTo(whom: string): number {
    return this.#offersMade.filter(made => made.has(whom)).length
  }

  /**
   * A role that nobody knows any more, and that no operator has set anything for, begins anew when it comes again; and
   * so does a framework that has left a role.
   */
  #forget(): void {
    for (const made of this.#offersMade) {
      for (const whom of made) if (!this.#isRemembered(whom)) made.delete(whom)
    }
  }

  /** A role, the virtual leaf of one, or a framework in one. */
  #isRemembered(whom: string): boolean {
    const [name = '', role] = whom.split('@')
    if (role !== undefined) return this.#isKnownFramework(role, name)
    const path = name.replace(/\/\.$/, '')
    return this.#isKnown(path) || this.#isConfigured(path)
  }

  #isKnownFramework(role: string, frameworkId: string): boolean {
    const isSubscribed = this.frameworks.get(frameworkId)?.facts.roles.includes(role) === true
    return isSubscribed || this.books.of({ role, frameworkId }).length > 0
  }

  #isConfigured(role: string): boolean {
    return [...this.#weights.keys(), ...this.quotas.keys()].some(each => isWithin(each, role))
  }

  #isKnown(role: string): boolean {
    const isSubscribed = [...this.frameworks.values()].some(({ facts }) =>
      facts.roles.some(each => isWithin(each, role)),
    )
    return isSubscribed || this.books.within(role).length > 0 || this.books.isReservedWithin(role)
  }

  roleShare(role: string): number | undefined {
    return this.#isKnown(role) ? toNumber(this.#asSibling(role).share) : undefined
  }

  frameworkShare(role: string, frameworkId: string): number | undefined {
    if (!this.#isKnownFramework(role, frameworkId)) return undefined
    return toNumber(this.#share(this.books.of({ role, frameworkId }), 1))
  }

  /** The dominant share of what is held, by weight. */
  #share(held: readonly Entry[], weight: number): Fraction {
    const totals = this.books.totals()
    let dominant = zero
    for (const [name, amount] of scalarsHeld(held)) {
      const total = totals.get(name) ?? 0
      if (total === 0 || this.settings.fairnessExcluded.has(name)) continue
      const share = fraction(amount, total)
      if (compareFractions(share, dominant) > 0) dominant = share
    }
    return dividedBy(dominant, exactly(weight))
  }
}

function demandKey(frameworkId: string, role: string): string {
  return `${frameworkId}@${role}`
}

/** What ends filters when it changes. */
function describes({ attributes, hostname, domain }: AgentFacts): string {
  const inOrder = Object.entries(attributes).toSorted(([one], [other]) => compareBytes(one, other))
  return JSON.stringify([inOrder, hostname, domain?.region, domain?.zone])
}

function isSameShape(one: Shape | undefined, other: Shape): boolean {
  return one !== undefined && Resources.fromWire(one.resources).equals(Resources.fromWire(other.resources))
}

/** Whether a task is one of this shape: it has all that the shape takes, and nothing else. */
function isJust(shape: Shape, task: Resources): boolean {
  return takeShape(task, Resources.fromWire(shape.resources))?.equals(task) ?? false
}

function isWithinCapabilities(kind: ResourceKind, { capabilities }: FrameworkFacts): boolean {
  if (kind.isRevocable && !capabilities.has('revocable')) return false
  if (kind.isShared && !capabilities.has('shared')) return false
  return (kind.reservation?.roles.length ?? 0) <= 1 || capabilities.has('refinement')
}

function isWithoutGpu(agent: Agent, { capabilities }: FrameworkFacts): boolean {
  return agent.facts.total.names().includes('gpus') && !capabilities.has('gpu')
}

function holdsMinimum(resources: Resources, minimum: Minimum): boolean {
  const amounts: Quantities = resources.quantities()
  const holds = (least: Quantities) =>
    [...least].every(([name, amount]) => (amounts.get(name) ?? 0) >= amount)
  return minimum.length === 0 || minimum.some(holds)
}

/** The largest whole number up to `most` that holds, when all below one that holds do; 0 when none does. */
function largest(most: number, holds: (number: number) => boolean): number {
  if (holds(most)) return most
  let [below, above] = [0, most]
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2)
    if (holds(middle)) below = middle
    else above = middle
  }
  return below
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Smaller share, then fewer offers, then the name. */
function compareSiblings(one: Sibling, other: Sibling): number {
  return (
    compareFractions(one.share, other.share) ||
    one.offersMade - other.offersMade ||
    compareBytes(one.name, other.name)
  )
}
