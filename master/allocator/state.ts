import { kindOf, reservedRole, type Resources, sizeOf } from '@tender/sdk/values'
import { AgentBook, sharedOf } from './agent-book.js'
import { type Claimant, Claimants } from './claimant.js'
import { type Filter, FilterEnds, Filters } from './filters.js'
import { type RoleNode, RoleTree } from './role-tree.js'
import type { AgentFacts, AllocatorSettings, Claim } from './types.js'
import { addTo, amountOf, type Amounts, bump, Names, Vectors } from './vectors.js'

/** A claimant has come to hold a shared volume, or holds it no longer. */
interface SharedChange {
  readonly agent: AgentBook
  readonly claimant: Claimant
  readonly key: string
  readonly sign: 1 | -1
}

/**
 * All that the allocator knows, with its sums: each change goes through here, so that free amounts, shares, quotas and
 * what is to be looked at again stay true to each other.
 */
export class AllocatorState {
  readonly settings: AllocatorSettings
  readonly names = new Names()
  readonly vectors = new Vectors(this.names)
  readonly tree: RoleTree
  readonly claimants: Claimants
  readonly agents = new Map<string, AgentBook>()
  readonly filterEnds = new FilterEnds()
  /** Unreserved, non-revocable scalars that are free on agents that may be offered. */
  readonly freeUnreserved: Amounts = []
  /** Agents to be looked at in the next cycle, and those that wait for the tick unless releases are offered at once. */
  readonly dueNow = new Set<AgentBook>()
  readonly dueLater = new Set<AgentBook>()
  /** Claimants for whom all agents are to be looked at in the next cycle, and at the next tick. */
  readonly claimantsNow = new Set<Claimant>()
  readonly claimantsLater = new Set<Claimant>()
  /** Agents that wait for another cycle than the one that is under way. */
  readonly dueAfterwards = new Set<AgentBook>()
  /** Claimants that wait so: what they got may let through elsewhere what their filters stopped. */
  readonly claimantsAfterwards = new Set<Claimant>()
  /** Agents of which something was kept back for guarantees. */
  readonly headroomBlocked = new Set<AgentBook>()
  whitelist: ReadonlySet<string> | undefined
  /** The name of gpus. */
  readonly gpus: number
  /** Cycles and ticks so far. */
  cycles = 0
  /** How often offers were asked for: a shared volume is offered once each time. */
  calls = 0
  ticks = 0
  readonly #byIndex: (AgentBook | undefined)[] = []
  readonly #vacant: number[] = []
  #sorted: AgentBook[] | undefined
  readonly #sharedChanges: SharedChange[] = []

  constructor(settings: AllocatorSettings) {
    this.settings = settings
    this.tree = new RoleTree(this.names, settings.fairnessExcluded, settings.minAllocatable)
    this.claimants = new Claimants(this.tree)
    this.gpus = this.names.id('gpus')
  }

  agent(agentId: string): AgentBook {
    const agent = this.agents.get(agentId)
    if (!agent) throw new RangeError(`agent ${agentId} is not in the books`)
    return agent
  }

  agentAt(index: number): AgentBook | undefined {
    return this.#byIndex[index]
  }

  /** All agents, ascending by id. */
  sortedAgents(): readonly AgentBook[] {
    this.#sorted ??= [...this.agents.values()].toSorted(byAgentId)
    return this.#sorted
  }

  /** Some agents, ascending by id. */
  inOrder(agents: ReadonlySet<AgentBook>): readonly AgentBook[] {
    const isFew = agents.size * 16 < this.agents.size
    return isFew ? [...agents].toSorted(byAgentId) : this.sortedAgents().filter(agent => agents.has(agent))
  }

  addAgent(facts: AgentFacts): AgentBook {
    const index = this.#vacant.pop() ?? this.#byIndex.length
    const agent = new AgentBook(index, facts, new Filters(), this.vectors)
    agent.isWhitelisted = this.whitelist?.has(facts.hostname) ?? true
    this.#byIndex[index] = agent
    this.agents.set(facts.agentId, agent)
    this.#sorted = undefined
    this.#countTotal(agent, 1)
    this.#countFree(agent, 1)
    return agent
  }

  removeAgent(agent: AgentBook): void {
    for (const { claimant: index, offered, allocated } of [...agent.holders]) {
      const claimant = this.claimants.at(index)
      if (!claimant) continue
      if (!offered.isEmpty) this.release(agent, claimant, offered, 'offered')
      if (!allocated.isEmpty) this.release(agent, claimant, allocated, 'allocated')
    }
    this.endFiltersOf(agent)
    this.#countFree(agent, -1)
    this.#countTotal(agent, -1)
    this.#pruneReserved(agent.total)
    this.agents.delete(agent.agentId)
    this.#byIndex[agent.index] = undefined
    this.#vacant.push(agent.index)
    this.#sorted = undefined
    for (const set of [this.dueNow, this.dueLater, this.dueAfterwards, this.headroomBlocked])
      set.delete(agent)
  }

  /** Any change of an agent itself: its total, its condition, its reservations. */
  changeAgent(agent: AgentBook, change: () => void): void {
    const before = agent.total
    this.#countFree(agent, -1)
    this.#countTotal(agent, -1)
    change()
    this.#countTotal(agent, 1)
    this.#countFree(agent, 1)
    this.#pruneReserved(before)
  }

  claimant(claim: { readonly frameworkId: string; readonly role: string }): Claimant {
    return this.claimants.claimant(claim.frameworkId, claim.role, this.settings.minAllocatable)
  }

  charge(claim: Claim, column: 'offered' | 'allocated'): void {
    const agent = this.agent(claim.agentId)
    const claimant = this.claimant(claim)
    this.take(agent, claimant, claim.resources, column)
    this.settleShared()
    this.countHeld(claimant, this.vectors.of(claim.resources).scalars, 1)
  }

  /** The books of the agent and the quotas; the shares are the caller's to change, by `countHeld`. */
  take(agent: AgentBook, claimant: Claimant, resources: Resources, column: 'offered' | 'allocated'): void {
    const vector = this.vectors.of(resources)
    const heldBefore = agent.isHeldBy(claimant.index)
    if (agent.isOfferable) addTo(this.freeUnreserved, agent.freeVector.unreserved, -1)
    if (vector.hasShared)
      this.#countShared(agent, claimant, () => agent.charge(claimant.index, resources, column))
    else agent.charge(claimant.index, resources, column)
    if (agent.isOfferable) addTo(this.freeUnreserved, agent.freeVector.unreserved, 1)
    this.#countHolder(agent, claimant, heldBefore)
    this.tree.consume(claimant.leaf, vector.unreserved, 1)
  }

  countHeld(claimant: Claimant, scalars: Amounts, sign: 1 | -1, offers = 0): void {
    this.claimants.changeHeld(claimant, scalars, sign, offers)
    this.tree.changeHeld(claimant.leaf, scalars, sign, offers)
  }

  /** From a column back to free. */
  release(agent: AgentBook, claimant: Claimant, resources: Resources, column: 'offered' | 'allocated'): void {
    const vector = this.vectors.of(resources)
    const heldBefore = agent.isHeldBy(claimant.index)
    if (agent.isOfferable) addTo(this.freeUnreserved, agent.freeVector.unreserved, -1)
    if (vector.hasShared)
      this.#countShared(agent, claimant, () => agent.release(claimant.index, resources, column))
    else agent.release(claimant.index, resources, column)
    if (agent.isOfferable) addTo(this.freeUnreserved, agent.freeVector.unreserved, 1)
    this.tree.consume(claimant.leaf, vector.unreserved, -1)
    this.settleShared()
    this.countHeld(claimant, vector.scalars, -1)
    this.dueLater.add(agent)
    this.#unblock(claimant)
    if (column === 'offered' && claimant.demand) {
      claimant.demand.recount()
      this.claimantsLater.add(claimant)
    }
    this.#countHolder(agent, claimant, heldBefore)
  }

  addFilter(agent: AgentBook, claimant: Claimant, refused: Resources, expiresAtMs: number): void {
    const end = this.filterEnds.at(expiresAtMs, this.settings.allocateOnRelease ? this.cycles : this.ticks)
    const filter: Filter = {
      claimant: claimant.index,
      agent: agent.index,
      refused,
      end,
    }
    agent.filters.add(filter)
    this.filterEnds.add(filter)
    claimant.filterCount += 1
  }

  endFilter(filter: Filter): void {
    const agent = this.#byIndex[filter.agent]
    const claimant = this.claimants.at(filter.claimant)
    if (!agent || !claimant) return
    agent.filters.end(filter)
    claimant.filterCount -= 1
    this.dueLater.add(agent)
  }

  endFiltersOf(agent: AgentBook): void {
    const ended = agent.filters.endAll()
    for (const index of ended) {
      const claimant = this.claimants.at(index)
      if (claimant) claimant.filterCount -= 1
    }
    this.filterEnds.ended(ended.length)
  }

  /** @returns whether there were any */
  endFiltersBy(claimant: Claimant): boolean {
    if (claimant.filterCount === 0) return false
    for (const agent of this.agents.values()) agent.filters.endOf(claimant.index)
    this.filterEnds.ended(claimant.filterCount)
    claimant.filterCount = 0
    return true
  }

  /** Shares are true from here on: the cluster's total may have changed. */
  refresh(): void {
    if (this.tree.refresh()) this.claimants.refresh()
  }

  /** What was kept back because of a quota may be given now. */
  unblockAll(): void {
    for (const node of this.tree.blocked) this.#reopen(node)
    for (const agent of this.headroomBlocked) this.dueLater.add(agent)
    this.headroomBlocked.clear()
  }

  /** Less of a limit is consumed: all agents are to be looked at for the claimants that it held back. */
  #reopen(node: RoleNode): void {
    if (!this.tree.unblock(node)) return
    for (const leaf of this.tree.leavesBelow(node))
      for (const index of this.claimants.inOrder(leaf).sorted()) {
        const claimant = this.claimants.at(index)
        if (claimant) this.claimantsLater.add(claimant)
      }
  }

  /** Agents of which a claimant holds something as offered, ascending by id. */
  *offersOf(claimant: Claimant): Generator<readonly [AgentBook, Resources]> {
    if (claimant.agentCount === 0) return
    for (const agent of this.sortedAgents()) {
      const { offered } = agent.holding(claimant.index)
      if (!offered.isEmpty) yield [agent, offered]
    }
  }

  /** Somebody holds less: what a limit of its roles kept back may be given, and what a guarantee did. */
  #unblock(claimant: Claimant): void {
    if (!this.tree.hasQuotas) return
    for (let node = claimant.leaf.parent; node; node = node.parent) this.#reopen(node)
    for (const agent of this.headroomBlocked) this.dueLater.add(agent)
    this.headroomBlocked.clear()
  }

  #countHolder(agent: AgentBook, claimant: Claimant, heldBefore: boolean): void {
    const holds = agent.isHeldBy(claimant.index)
    if (holds === heldBefore) return
    claimant.agentCount += holds ? 1 : -1
    const role = claimant.leaf.parent
    if (role && claimant.agentCount === (holds ? 1 : 0)) role.holderCount += holds ? 1 : -1
    if (!holds) this.claimants.forgetIfUnused(claimant)
  }

  #countTotal(agent: AgentBook, sign: 1 | -1): void {
    const amounts: Amounts = []
    addTo(amounts, this.vectors.of(agent.total).scalars, 1)
    for (const [key, value] of sharedOf(agent.total).entries())
      if (value.kind === 'scalar') bump(amounts, this.names.id(kindOf(key).name), value.thousandths)
    this.tree.changeTotals(amounts, sign)
    if (this.vectors.of(agent.total).isPlain) return
    for (const [key, value] of agent.total.entries()) {
      const kind = kindOf(key)
      const role = reservedRole(kind)
      if (role === undefined) continue
      const isScalar = value.kind === 'scalar' || value.kind === 'pieces'
      const amount = isScalar ? sizeOf(value) : 0
      this.tree.changeReserved(role, this.names.id(kind.name), { amount: sign * amount, count: sign })
    }
  }

  /** Roles that only a reservation of these has kept are forgotten. */
  #pruneReserved(total: Resources): void {
    if (this.vectors.of(total).isPlain) return
    for (const key of total.keys()) {
      const role = reservedRole(kindOf(key))
      if (role !== undefined) this.tree.prune(role)
    }
  }

  #countFree(agent: AgentBook, sign: 1 | -1): void {
    if (agent.isOfferable) addTo(this.freeUnreserved, agent.freeVector.unreserved, sign)
  }

  /** A shared volume counts once for a framework and once for a role, however often it is held. */
  #countShared(agent: AgentBook, claimant: Claimant, change: () => void): void {
    const keys = (): Set<string> => {
      const { offered, allocated } = agent.holding(claimant.index)
      return new Set([...sharedOf(offered).keys(), ...sharedOf(allocated).keys()])
    }
    const before = keys()
    change()
    const after = keys()
    for (const key of after) if (!before.has(key)) this.#sharedChanges.push({ agent, claimant, key, sign: 1 })
    for (const key of before)
      if (!after.has(key)) this.#sharedChanges.push({ agent, claimant, key, sign: -1 })
  }

  /** What a claimant holds has become other kinds: a shared volume is counted once, other kinds each for itself. */
  recountShared(agent: AgentBook, claimant: Claimant, from: Resources, to: Resources): void {
    this.countHeld(claimant, this.vectors.of(from).scalars, -1)
    this.countHeld(claimant, this.vectors.of(to).scalars, 1)
    for (const key of sharedOf(from).keys()) this.#sharedChanges.push({ agent, claimant, key, sign: -1 })
    for (const key of sharedOf(to).keys()) this.#sharedChanges.push({ agent, claimant, key, sign: 1 })
    this.settleShared()
  }

  /** The shares follow what has changed of shared volumes; with `take` that is the caller's to say. */
  settleShared(): void {
    for (const { agent, claimant, key, sign } of this.#sharedChanges.splice(0)) {
      const size: Amounts = []
      bump(size, this.names.id(kindOf(key).name), agent.sizeOfShared(key))
      this.claimants.changeHeld(claimant, size, sign)
      this.tree.changeShared(claimant.leaf, `${agent.index} ${key}`, size, sign)
    }
  }

  /** So much of a name is free, beyond what guarantees need. */
  surplus(id: number): number {
    return amountOf(this.freeUnreserved, id) - this.tree.required(id)
  }
}

/** Ids of agents are of plain letters, so that the language's own order is that of their bytes. */
function byAgentId(a: AgentBook, b: AgentBook): number {
  return a.agentId < b.agentId ? -1 : a.agentId > b.agentId ? 1 : 0
}
