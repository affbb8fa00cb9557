import type { Capability, ConstraintGroups } from '@tender/sdk/protocol'
import type { Demand } from './demand.js'
import { Order } from './order.js'
import type { RoleNode, RoleTree } from './role-tree.js'
import { compareShares, noShare, setDominant, type Share } from './shares.js'
import type { FrameworkFacts, Minimum } from './types.js'
import { type Amounts, addTo } from './vectors.js'

/** A framework as the allocator knows it; one that only holds tasks has not subscribed yet. */
export interface FrameworkEntry {
  readonly frameworkId: string
  /** Ascending with the ids: comparing numbers is what most of a comparison would be otherwise. */
  rank: number
  isSubscribed: boolean
  isActive: boolean
  capabilities: ReadonlySet<Capability>
  /** By role. */
  readonly claimants: Map<string, Claimant>
}

/** A framework in one of its roles: who competes, is charged, refuses and is offered. */
export interface Claimant {
  readonly index: number
  readonly framework: FrameworkEntry
  readonly role: string
  readonly leaf: RoleNode
  /** The framework is in this role; else it only holds something in it still. */
  isMember: boolean
  isSuppressed: boolean
  /** Connected, a member, and not suppressed. */
  isActive: boolean
  minimum: Minimum
  constraints: ConstraintGroups | undefined
  demand: Demand | undefined
  /** It has a minimum or a demand of its own. */
  isSpecial: boolean
  /** Scalars that it holds in this role, offered or allocated; a shared volume once. */
  readonly held: Amounts
  readonly share: Share
  offersMade: number
  /** Agents of which it holds something. */
  agentCount: number
  filterCount: number
}

const nobody: ReadonlySet<Capability> = new Set()

/** All claimants, and their order in each role. */
export class Claimants {
  readonly frameworks = new Map<string, FrameworkEntry>()
  /** Ascending by id. Ids of frameworks are of plain letters: the language's own order is that of their bytes. */
  readonly #ranked: FrameworkEntry[] = []
  readonly #tree: RoleTree
  readonly #claimants: (Claimant | undefined)[] = []
  readonly #vacant: number[] = []

  constructor(tree: RoleTree) {
    this.#tree = tree
  }

  /** How many there are, whether they may be served or not. */
  get count(): number {
    return this.#claimants.length - this.#vacant.length
  }

  at(index: number): Claimant | undefined {
    return this.#claimants[index]
  }

  find(frameworkId: string, role: string): Claimant | undefined {
    return this.frameworks.get(frameworkId)?.claimants.get(role)
  }

  /** The framework's entry, made if it is not there. */
  framework(frameworkId: string): FrameworkEntry {
    const known = this.frameworks.get(frameworkId)
    if (known) return known
    const made = {
      frameworkId,
      rank: 0,
      isSubscribed: false,
      isActive: false,
      capabilities: nobody,
      claimants: new Map<string, Claimant>(),
    }
    this.frameworks.set(frameworkId, made)
    this.#rank(made)
    return made
  }

  /** Between its neighbours; all anew when there is no number between them. */
  #rank(framework: FrameworkEntry): void {
    const ids = this.#ranked
    let [low, high] = [0, ids.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ids[middle]?.frameworkId ?? '') < framework.frameworkId) low = middle + 1
      else high = middle
    }
    ids.splice(low, 0, framework)
    const [below, above] = [ids[low - 1]?.rank ?? 0, ids[low + 1]?.rank ?? Number.MAX_SAFE_INTEGER]
    framework.rank = (below + above) / 2
    if (framework.rank > below && framework.rank < above) return
    for (const [index, each] of ids.entries())
      each.rank = ((index + 1) / (ids.length + 1)) * Number.MAX_SAFE_INTEGER
  }

  /** It is in no role, and holds nothing in any. */
  forgetFrameworkIfUnused(framework: FrameworkEntry): void {
    if (framework.claimants.size > 0 || !this.frameworks.delete(framework.frameworkId)) return
    this.#ranked.splice(this.#ranked.indexOf(framework), 1)
  }

  /** The framework in a role, made if it is not there. */
  claimant(frameworkId: string, role: string, minimum: Minimum): Claimant {
    const framework = this.framework(frameworkId)
    const known = framework.claimants.get(role)
    if (known) return known
    const made: Claimant = {
      index: this.#vacant.pop() ?? this.#claimants.length,
      framework,
      role,
      leaf: this.#tree.leaf(role),
      isMember: false,
      isSuppressed: false,
      isActive: false,
      minimum,
      constraints: undefined,
      demand: undefined,
      isSpecial: false,
      held: [],
      share: noShare(),
      offersMade: 0,
      agentCount: 0,
      filterCount: 0,
    }
    this.#claimants[made.index] = made
    framework.claimants.set(role, made)
    return made
  }

  /** Applies what a framework says of itself. Roles that it has left are kept while it holds something in them. */
  setFacts(facts: FrameworkFacts, cluster: Minimum): FrameworkEntry {
    const framework = this.framework(facts.frameworkId)
    framework.isSubscribed = true
    framework.isActive = true
    framework.capabilities = facts.capabilities
    for (const role of facts.roles) {
      const claimant = this.claimant(facts.frameworkId, role, cluster)
      claimant.minimum = facts.minAllocatable.get(role) ?? cluster
      claimant.constraints = facts.constraints.get(role)
      claimant.isSuppressed = facts.suppressed.has(role)
      this.setMember(claimant, true)
      this.noteSpecial(claimant, cluster)
    }
    for (const claimant of framework.claimants.values())
      if (!facts.roles.includes(claimant.role)) {
        this.setMember(claimant, false)
        this.noteSpecial(claimant, cluster)
      }
    return framework
  }

  /** Whether what it is offered goes by other rules than the cluster's minimum. */
  noteSpecial(claimant: Claimant, cluster: Minimum): void {
    const isSpecial = claimant.isMember && (claimant.minimum !== cluster || claimant.demand !== undefined)
    if (isSpecial !== claimant.isSpecial) this.#tree.changeSpecial(claimant.leaf, isSpecial ? 1 : -1)
    claimant.isSpecial = isSpecial
  }

  setMember(claimant: Claimant, isMember: boolean): void {
    if (claimant.isMember !== isMember) this.#tree.node(claimant.role).memberCount += isMember ? 1 : -1
    claimant.isMember = isMember
    if (!isMember) claimant.demand = undefined
    this.activate(claimant)
  }

  /** Puts a claimant among those that may be served, or takes it from them, by what is so now. */
  activate(claimant: Claimant): void {
    const { framework, isMember, isSuppressed, leaf } = claimant
    const isActive = framework.isActive && isMember && !isSuppressed
    if (isActive === claimant.isActive) return
    claimant.isActive = isActive
    if (isActive) this.inOrder(leaf).add(claimant.index)
    else this.inOrder(leaf).remove(claimant.index)
    this.#tree.changeActive(leaf, isActive ? 1 : -1)
  }

  /** Nobody needs it any more: it is no member and holds nothing. */
  forgetIfUnused(claimant: Claimant): void {
    if (claimant.isMember || claimant.agentCount > 0) return
    const { framework } = claimant
    framework.claimants.delete(claimant.role)
    this.#claimants[claimant.index] = undefined
    this.#vacant.push(claimant.index)
    if (!framework.isSubscribed) this.forgetFrameworkIfUnused(framework)
    this.#tree.prune(claimant.role)
  }

  /** It holds more or less, and was made an offer perhaps; its place in its role follows. */
  changeHeld(claimant: Claimant, scalars: Amounts, sign: 1 | -1, offers = 0): void {
    const order = claimant.isActive && !this.#tree.isStale ? this.inOrder(claimant.leaf) : undefined
    const isOut = order !== undefined && order.length > 1 && order.takeOut(claimant.index)
    addTo(claimant.held, scalars, sign)
    claimant.offersMade += offers
    this.#rate(claimant)
    if (isOut) order.add(claimant.index)
  }

  /** All shares anew: the cluster's total has changed. */
  refresh(): void {
    for (const claimant of this.#claimants) if (claimant) this.#rate(claimant)
    for (const leaf of this.#tree.leavesBelow(this.#tree.root)) leaf.claimants?.shake()
  }

  /** Those of a leaf that may be served. */
  inOrder(leaf: RoleNode): Order {
    leaf.claimants ??= new Order((a, b) => this.#compare(a, b))
    return leaf.claimants
  }

  #rate(claimant: Claimant): void {
    setDominant(claimant.share, claimant.held, this.#tree.totals, this.#tree.counted, 1)
  }

  #compare(a: number, b: number): number {
    const [one, other] = [this.#claimants[a], this.#claimants[b]]
    if (!one || !other) return a - b
    return (
      compareShares(one.share, 1, other.share, 1) ||
      one.offersMade - other.offersMade ||
      one.framework.rank - other.framework.rank
    )
  }
}
