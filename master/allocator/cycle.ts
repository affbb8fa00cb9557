import { Resources } from '@tender/sdk/values'
import { type AgentBook, sharedOf } from './agent-book.js'
import type { Claimant } from './claimant.js'
import { meetsConstraints } from './constraints.js'
import { cutTo, mayHave } from './cut.js'
import { isMarked } from './filters.js'
import type { Lot } from './lot.js'
import { meets } from './minimum.js'
import type { Order } from './order.js'
import type { RoleNode, RoleTree } from './role-tree.js'
import type { AllocatorState } from './state.js'
import type { Grant } from './types.js'
import { amountOf } from './vectors.js'

/** First what guarantees are missing, then everything else (Mesos' two stages). */
type Stage = 'guarantees' | 'fair-share'

/** What a cycle looks at: some agents for everybody, and all of these for some claimants. */
export interface Batch {
  /** In the order in which they are looked at. */
  readonly agents: readonly AgentBook[]
  readonly due: ReadonlySet<AgentBook> | 'all'
  readonly claimants: ReadonlySet<Claimant>
}

/** A grant while it may still grow. */
type Made = { -readonly [K in keyof Grant]: Grant[K] }

/**
 * One allocation cycle: over the agents that are due, and for claimants that are due over all agents, in the order of
 * the agents' ids. On each agent, roles are served in the order of their shares and in each role its frameworks; who
 * comes first gets all that it may have, the next one what is left. The order is taken once for each agent, and the
 * shares are changed before the next.
 */
export class Cycle {
  readonly #state: AllocatorState
  readonly #lot: Lot
  readonly #batch: Batch
  readonly #made: Made[] = []
  /** What the first stage has given, to be added to by the second. */
  readonly #madeFirst = new Map<AgentBook, Made[]>()
  /** What was given of the agent at hand: its shares follow when the agent is done with. */
  readonly #pending: {
    readonly claimant: Claimant
    readonly resources: Resources
    readonly isNew: boolean
  }[] = []

  readonly #satisfied: { readonly is: (node: RoleNode) => boolean; readonly token: number }
  readonly #closed: { readonly is: (node: RoleNode) => boolean; readonly token: number }
  /** Leaves since this was set to 0. */
  #visited = 0
  /** The version of the tree at which every leaf was found to be closed. */
  #allClosedAt = -1
  /** The agent at hand. */
  #at!: {
    readonly agent: AgentBook
    readonly stage: Stage
    readonly isDue: boolean
    readonly refusers: Uint32Array | undefined
  }

  constructor(state: AllocatorState, lot: Lot, batch: Batch) {
    this.#state = state
    this.#lot = lot
    this.#batch = batch
    // In a cycle everybody only gets more: what is satisfied, or has reached its limit, stays so.
    const token = 2 * state.cycles
    this.#satisfied = { is: isSatisfied, token }
    this.#closed = { is: node => this.#isClosed(node), token: token + 1 }
  }

  run(): Grant[] {
    const state = this.#state
    state.refresh()
    const { agents } = this.#batch
    if (state.tree.hasQuotas && this.#somethingIsMissing()) {
      for (const agent of agents) this.#serve(agent, 'guarantees')
    }
    for (const agent of agents) {
      this.#serve(agent, 'fair-share')
      agent.lastCycle = state.cycles
    }
    return this.#made
  }

  #somethingIsMissing(): boolean {
    for (const node of this.#state.tree.quotaNodes) if (node.isMissing) return true
    return false
  }

  #serve(agent: AgentBook, stage: Stage): void {
    if (!agent.isOfferable || agent.hasNothing) return
    const { tree, settings, claimants } = this.#state
    // Who has refused all that is free has refused every part of it, too.
    const refusers = this.#isOfferedFreeOnly(agent) ? agent.filters.refusersOf(agent.free) : undefined
    if (refusers && agent.filters.refuserCount >= claimants.count) return
    const { due } = this.#batch
    this.#at = { agent, stage, refusers, isDue: due === 'all' || due.has(agent) }
    if (settings.sorter === 'random') this.#leavesByLot(this.#visit)
    else if (stage === 'guarantees') tree.leavesBut(this.#satisfied, this.#visit)
    else if (tree.hasQuotas && this.#isOfferedFreeOnly(agent) && agent.freeVector.isPlain)
      this.#visitOpenLeaves()
    else tree.leaves(this.#visit)
    this.#settle(agent)
  }

  /** When all are closed, that is so for the next agent too, until somebody holds something else. */
  #visitOpenLeaves(): void {
    const { tree } = this.#state
    if (this.#allClosedAt === tree.version) return
    const { version } = tree
    this.#visited = 0
    tree.leavesBut(this.#closed, this.#visit)
    if (this.#visited === 0) this.#allClosedAt = version
  }

  /** Serves the claimants of one leaf. @returns false when nothing is left */
  readonly #visit = (leaf: RoleNode): boolean => {
    this.#visited += 1
    const { stage } = this.#at
    const { tree, claimants, settings } = this.#state
    if (stage === 'guarantees' && !tree.isMissing(leaf)) return true
    const inOrder = claimants.inOrder(leaf)
    return settings.sorter === 'random'
      ? this.#lot.shuffle(inOrder.sorted(), () => 1).every(id => this.#serveOne(id))
      : this.#serveInOrder(inOrder)
  }

  /** @returns false when nothing is left */
  #serveInOrder(claimants: Order): boolean {
    const { refusers } = this.#at
    const places = claimants.places()
    for (let index = 0; index < claimants.length; index++) {
      const id = places[index] as number
      if (refusers !== undefined && isMarked(refusers, id)) continue
      if (!this.#serveOne(id)) return false
    }
    return true
  }

  /** @returns false when nothing is left */
  #serveOne(id: number): boolean {
    const { agent, stage, isDue } = this.#at
    const claimant = this.#state.claimants.at(id)
    if (!claimant || !(isDue || this.#batch.claimants.has(claimant))) return true
    const resources = this.#offerable(agent, claimant, stage)
    if (resources) this.#give(agent, claimant, resources, stage)
    return !agent.hasNothing
  }

  /** What is offered is a part of what is free: no shared volume, and nothing that the first stage has given. */
  #isOfferedFreeOnly(agent: AgentBook): boolean {
    return agent.shared.isEmpty && !this.#madeFirst.has(agent)
  }

  /** What a claimant gets of an agent now; undefined: nothing. */
  #offerable(agent: AgentBook, claimant: Claimant, stage: Stage): Resources | undefined {
    const state = this.#state
    if (!canUse(state, agent, claimant) || !meetsConstraints(agent.facts, claimant.constraints))
      return undefined
    const demand = state.settings.demandAware ? claimant.demand : undefined
    const open = demand?.open()
    if (demand && open && demand.isMet(open)) return undefined
    const available = availableTo(state, agent, claimant)
    if (available.isEmpty) return undefined
    const cut = state.tree.hasQuotas ? cutByQuota(state, agent, claimant, available, stage) : available
    if (!cut || cut.isEmpty) return undefined
    const first = stage === 'fair-share' ? this.#first(agent, claimant) : undefined
    if (demand && open) {
      const { resources, counts } = demand.pack(agent.facts, cut, open)
      const offered = first ? first.resources.plus(resources) : resources
      if (resources.isEmpty || agent.filters.refuses(claimant.index, offered)) return undefined
      if (stage === 'guarantees' && !this.#helps(claimant, resources)) return undefined
      demand.offered(agent, resources, counts)
      return resources
    }
    const offered = first ? first.resources.plus(cut) : cut
    if (!this.#isEnough(offered, claimant) || agent.filters.refuses(claimant.index, offered)) return undefined
    return cut
  }

  /** Whether something of it is missing to a guarantee of the claimant's roles. */
  #helps(claimant: Claimant, resources: Resources): boolean {
    const { unreserved } = this.#state.vectors.of(resources)
    return unreserved.some((amount, id) => amount > 0 && guaranteeOf(claimant.leaf, id).missing > 0)
  }

  /** The same amount is asked about for many claimants, one after the other, mostly with the same minimum. */
  #enough = { resources: Resources.none, minimum: [] as Claimant['minimum'], is: false }

  #isEnough(resources: Resources, { minimum }: Claimant): boolean {
    if (this.#enough.resources !== resources || this.#enough.minimum !== minimum)
      this.#enough = { resources, minimum, is: meets(resources, minimum, this.#state.vectors) }
    return this.#enough.is
  }

  #give(agent: AgentBook, claimant: Claimant, resources: Resources, stage: Stage): void {
    const state = this.#state
    state.take(agent, claimant, resources, 'offered')
    const first = stage === 'fair-share' ? this.#first(agent, claimant) : undefined
    if (first) first.resources = first.resources.plus(resources)
    else {
      const made = {
        frameworkId: claimant.framework.frameworkId,
        role: claimant.role,
        agentId: agent.agentId,
        resources,
      }
      this.#made.push(made)
      if (stage === 'guarantees') this.#madeFirst.set(agent, [...(this.#madeFirst.get(agent) ?? []), made])
    }
    this.#pending.push({ claimant, resources, isNew: first === undefined })
    if (claimant.demand && claimant.filterCount > 0) state.claimantsAfterwards.add(claimant)
    if (state.vectors.of(resources).hasShared) {
      const before = agent.sharedOffered.call === state.calls ? agent.sharedOffered.resources : Resources.none
      agent.sharedOffered = { call: state.calls, resources: before.plus(sharedOf(resources)) }
      // Others may have it in the next cycle.
      state.dueAfterwards.add(agent)
    }
  }

  #first(agent: AgentBook, claimant: Claimant): Made | undefined {
    const { framework, role } = claimant
    return this.#madeFirst
      .get(agent)
      ?.find(made => made.frameworkId === framework.frameworkId && made.role === role)
  }

  #settle(agent: AgentBook): void {
    // Who wants shapes may have refused those that fitted; of less others may fit, which were not refused.
    if (this.#pending.length > 0 && !agent.filters.isEmpty && this.#state.tree.root.specialCount > 0)
      this.#state.dueAfterwards.add(agent)
    this.#state.settleShared()
    for (const { claimant, resources, isNew } of this.#pending) {
      this.#state.countHeld(claimant, this.#state.vectors.of(resources).scalars, 1, isNew ? 1 : 0)
    }
    this.#pending.length = 0
  }

  /** The limit leaves nothing to be offered; what is reserved is another matter. */
  #isClosed(node: RoleNode): boolean {
    if (!node.isClosed || node.specialCount > 0) return false
    this.#state.tree.block(node)
    return true
  }

  /** Siblings by weighted lot, at each node. */
  #leavesByLot(visit: (leaf: RoleNode) => boolean): void {
    const visitNode = (node: RoleNode): boolean =>
      this.#lot
        .shuffle(this.#state.tree.activeChildren(node), child => child.weight)
        .every(child => (child.isLeaf ? visit(child) : visitNode(child)))
    visitNode(this.#state.tree.root)
  }
}

/** Nothing is missing to it, above it or below it. */
function isSatisfied(node: RoleNode): boolean {
  if (node.missingCount > 0) return false
  for (let above = node.parent; above; above = above.parent) if (above.isMissing) return false
  return true
}

/** Agents with gpus are for frameworks that can use them; agents of another region for those that know of regions. */
export function canUse(state: AllocatorState, agent: AgentBook, claimant: Claimant): boolean {
  const { capabilities } = claimant.framework
  if (!capabilities.has('gpu') && hasGpus(state, agent)) return false
  return capabilities.has('region') || !isRemote(state, agent)
}

export function hasGpus(state: AllocatorState, agent: AgentBook): boolean {
  return amountOf(state.vectors.of(agent.total).scalars, state.gpus) > 0
}

function isRemote({ settings }: AllocatorState, agent: AgentBook): boolean {
  const region = agent.facts.domain?.region
  return settings.region !== undefined && region !== undefined && region !== settings.region
}

/** What is free on an agent, as far as a claimant may have it. */
function availableTo(state: AllocatorState, agent: AgentBook, claimant: Claimant): Resources {
  return filteredFor(state, claimant, agent.free, sharedFor(state, agent, claimant))
}

/** Of these resources and shared volumes, what is of kinds that the claimant may have. */
export function filteredFor(
  state: AllocatorState,
  claimant: Claimant,
  exclusive: Resources,
  shared: Resources,
): Resources {
  const { capabilities } = claimant.framework
  const can = { revocable: capabilities.has('revocable'), refinement: capabilities.has('refinement') }
  const mine = state.vectors.of(exclusive).isPlain ? exclusive : mayHave(exclusive, claimant.role, can)
  return shared.isEmpty || !capabilities.has('shared') ? mine : mine.plus(mayHave(shared, claimant.role, can))
}

/** Shared volumes are free for everybody, once in a cycle, and not for who has them in an offer already. */
function sharedFor(state: AllocatorState, agent: AgentBook, claimant: Claimant): Resources {
  if (agent.shared.isEmpty) return Resources.none
  const offered = agent.sharedOffered.call === state.calls ? agent.sharedOffered.resources : Resources.none
  return agent.shared.except(offered).except(agent.holding(claimant.index).offered)
}

/**
 * Cuts unreserved scalars to what quotas leave. In the first stage what is missing to guarantees is given whatever
 * others are guaranteed; all else, and everything in the second stage, leaves enough free for what is missing to every
 * guarantee. No limit is exceeded. Ranges, sets, revocable resources and reservations are not cut.
 *
 * @returns undefined: in the first stage, when nothing would go to a guarantee
 */
export function cutByQuota(
  state: AllocatorState,
  agent: AgentBook,
  claimant: Claimant,
  available: Resources,
  stage: Stage,
): Resources | undefined {
  const { unreserved } = state.vectors.of(available)
  const most: (number | undefined)[] = []
  let isCut = false
  let isForGuarantee = false
  for (let id = 0; id < unreserved.length; id++) {
    const amount = amountOf(unreserved, id)
    if (amount <= 0) continue
    const { isGuaranteed, missing } =
      stage === 'guarantees' ? guaranteeOf(claimant.leaf, id) : { isGuaranteed: false, missing: 0 }
    let room = amount
    if (isGuaranteed) room = Math.min(room, missing)
    else {
      const free = withinHeadroom(state, claimant.leaf, id, amount)
      if (free < room) state.headroomBlocked.add(agent)
      room = Math.min(room, free)
    }
    room = Math.min(room, withinLimits(claimant.leaf, id, room, state.tree))
    if (isGuaranteed && room > 0) isForGuarantee = true
    if (room < amount) {
      isCut = true
      most[id] = room
    }
  }
  if (stage === 'guarantees' && !isForGuarantee) return undefined
  return isCut ? cutTo(available, state.names, most) : available
}

/** The most that is missing of a name to the guarantees of a role and of those above it. */
function guaranteeOf(
  leaf: RoleNode,
  id: number,
): { readonly isGuaranteed: boolean; readonly missing: number } {
  let isGuaranteed = false
  let missing = 0
  for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
    if ((node.guarantee[id] ?? 0) === 0) continue
    isGuaranteed = true
    missing = Math.max(missing, node.missing(id))
  }
  return { isGuaranteed, missing }
}

/**
 * The most of a name, up to `wanted`, that leaves enough free for what is missing to every guarantee. What goes to a
 * role whose own guarantee is missing lowers what is missing by as much, so that it costs no headroom.
 */
export function withinHeadroom(state: AllocatorState, leaf: RoleNode, id: number, wanted: number): number {
  const free = amountOf(state.freeUnreserved, id)
  const leaves = (more: number): boolean => free - more >= state.tree.requiredAfter(leaf, id, more)
  if (state.tree.required(id) === 0 || leaves(wanted)) return wanted
  let [low, high] = [0, wanted]
  // What is left over falls with what is given, or stays: the largest that leaves enough is found by halving.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (leaves(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/** The most of a name, up to `wanted`, that exceeds no limit of the role or of one above it. */
export function withinLimits(leaf: RoleNode, id: number, wanted: number, blockIn?: RoleTree): number {
  let room = wanted
  for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
    const limit = node.limit[id]
    if (limit === undefined) continue
    const left = Math.max(0, limit - node.consumed(id))
    if (left < wanted) blockIn?.block(node)
    room = Math.min(room, left)
  }
  return room
}
