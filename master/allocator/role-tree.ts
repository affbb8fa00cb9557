import { Order } from './order.js'
import { byName, compareShares, noShare, setDominant, type Share } from './shares.js'
import type { Minimum, Quota } from './types.js'
import { addTo, amountOf, type Amounts, bump, type Names } from './vectors.js'

/** The child in which a role's own frameworks compete with those of its child roles (Mesos' virtual leaf). */
const leafName = '.'

/**
 * A role, or the leaf in which its own frameworks stand. Each role with frameworks has a leaf; while it is the role's
 * only child it makes no difference.
 */
export class RoleNode {
  readonly index: number
  readonly name: string
  /** The role's path; that of a leaf is its role's. */
  readonly role: string
  readonly parent: RoleNode | undefined
  readonly children = new Map<string, RoleNode>()
  readonly isLeaf: boolean
  weight = 1
  /** Scalars that the subtree holds, offered or allocated; a shared volume once. */
  readonly held: Amounts = []
  /** Asked for by `shareOf`. */
  readonly share: Share = noShare()
  /** The share is that of what is held now; else it is computed when somebody asks. */
  isRated = true
  /** Offers made to the subtree. */
  offersMade = 0
  /** Claimants of the subtree that may be served. */
  activeCount = 0
  /** Active children. */
  readonly order: Order
  /** Of a leaf: those of its claimants that may be served. */
  claimants: Order | undefined
  quota: Quota | undefined
  /** The guarantee by name; a name that it does not have is undefined. */
  guarantee: readonly (number | undefined)[] = []
  limit: readonly (number | undefined)[] = []
  /** Scalars reserved for the subtree, held or not. */
  readonly reserved: Amounts = []
  /** Kinds of resources that agents have reserved for just this role. */
  reservationCount = 0
  /** Unreserved, non-revocable scalars that the subtree holds. */
  readonly unreservedHeld: Amounts = []
  /** What must be kept free for the guarantees of the subtree, and for those of the children alone. */
  readonly required: Amounts = []
  readonly requiredBelow: Amounts = []
  /** Something of the guarantee is missing. */
  isMissing = false
  /** Missing guarantees of the subtree, its own included. */
  missingCount = 0
  /** It is among those whose limit has kept something back. */
  isBlocked = false
  /** Claimants of the subtree with a minimum or a demand of their own. */
  specialCount = 0
  /** The limit leaves nothing that an offer of unreserved resources needs at least (by the cluster's minimum). */
  isClosed = false
  /** How many holders of the subtree hold a shared volume, by agent and volume. */
  readonly sharedHolders = new Map<string, number>()
  /** Claimants that hold something. */
  holderCount = 0
  /** Frameworks that are in the role, active or not. */
  memberCount = 0

  constructor(index: number, name: string, role: string, parent: RoleNode | undefined, order: Order) {
    this.index = index
    this.name = name
    this.role = role
    this.parent = parent
    this.isLeaf = name === leafName
    this.order = order
  }

  /** Of the quota: reservations and what is held unreserved. */
  consumed(id: number): number {
    return amountOf(this.reserved, id) + amountOf(this.unreservedHeld, id)
  }

  missing(id: number): number {
    return Math.max(0, (this.guarantee[id] ?? 0) - this.consumed(id))
  }
}

/** Roles as a tree: shares and the order of service (Mesos' sorter), quota and what it needs to be kept free. */
export class RoleTree {
  readonly root: RoleNode
  readonly #nodes: (RoleNode | undefined)[] = []
  /** Places of nodes that are gone. */
  readonly #vacant: number[] = []
  readonly names: Names
  /** Scalars of the cluster, by name. */
  readonly totals: Amounts = []
  readonly #excluded: ReadonlySet<string>
  /** The cluster's. */
  readonly #minimum: Minimum
  readonly #counted: boolean[] = []
  readonly #byRole = new Map<string, RoleNode>()
  readonly #quotaNodes = new Set<RoleNode>()
  #isStale = false
  /** Changes with whatever quotas look at. */
  #version = 0
  /** Roles whose limit has kept something back since they were last looked at. */
  readonly blocked = new Set<RoleNode>()

  block(node: RoleNode): void {
    if (node.isBlocked) return
    node.isBlocked = true
    this.blocked.add(node)
  }

  /** @returns false when it was not blocked */
  unblock(node: RoleNode): boolean {
    node.isBlocked = false
    return this.blocked.delete(node)
  }

  constructor(names: Names, excluded: ReadonlySet<string>, minimum: Minimum) {
    this.names = names
    this.#minimum = minimum
    this.#excluded = excluded
    this.root = this.#newNode('', '', undefined)
  }

  /** Which names count for dominant shares. */
  get counted(): readonly boolean[] {
    while (this.#counted.length < this.names.size)
      this.#counted.push(!this.#excluded.has(this.names.name(this.#counted.length)))
    return this.#counted
  }

  get hasQuotas(): boolean {
    return this.#quotaNodes.size > 0
  }

  get quotaNodes(): Iterable<RoleNode> {
    return this.#quotaNodes
  }

  get version(): number {
    return this.#version
  }

  /** Shares are to be computed anew before they are looked at: the cluster's total has changed. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** All roles, in no order. */
  roles(): Iterable<RoleNode> {
    return this.#byRole.values()
  }

  find(role: string): RoleNode | undefined {
    return this.#byRole.get(role)
  }

  /** The role's node, made if it is not there. */
  node(role: string): RoleNode {
    const known = this.#byRole.get(role)
    if (known) return known
    const slash = role.lastIndexOf('/')
    const parent = slash < 0 ? this.root : this.node(role.slice(0, slash))
    const node = this.#newNode(role.slice(slash + 1), role, parent)
    this.#byRole.set(role, node)
    return node
  }

  /** The leaf of a role's own frameworks, made if it is not there. */
  leaf(role: string): RoleNode {
    const node = this.node(role)
    return node.children.get(leafName) ?? this.#newNode(leafName, role, node)
  }

  findLeaf(role: string): RoleNode | undefined {
    return this.#byRole.get(role)?.children.get(leafName)
  }

  /** Forgets what nobody uses any more, the parents too. */
  prune(role: string): void {
    for (let node = this.#byRole.get(role); node?.parent; node = node.parent) {
      const leaf = node.children.get(leafName)
      const isUsed =
        node.memberCount > 0 ||
        node.holderCount > 0 ||
        node.quota !== undefined ||
        node.weight !== 1 ||
        node.reservationCount > 0 ||
        node.children.size > (leaf ? 1 : 0)
      if (isUsed) return
      node.parent.children.delete(node.name)
      this.#byRole.delete(node.role)
      for (const gone of leaf ? [leaf, node] : [node]) {
        this.#nodes[gone.index] = undefined
        this.#vacant.push(gone.index)
      }
    }
  }

  /** Whether anybody is, holds, or has something reserved in it or below it. */
  isKnown(role: string): boolean {
    const node = this.#byRole.get(role)
    return node !== undefined && isInUse(node)
  }

  setWeight(role: string, weight: number): void {
    const node = this.node(role)
    node.weight = weight
    node.isRated = false
    node.parent?.order.shake()
  }

  setQuota(role: string, quota: Quota | undefined): void {
    const node = this.node(role)
    node.quota = quota
    node.guarantee = this.#byId(quota?.guarantee)
    node.limit = this.#byId(quota?.limit)
    if (quota) this.#quotaNodes.add(node)
    else this.#quotaNodes.delete(node)
    this.#requireAll(node)
    node.isClosed = quota !== undefined && this.#hasNoRoom(node)
  }

  /** The cluster has more or less. */
  changeTotals(scalars: Amounts, sign: 1 | -1): void {
    addTo(this.totals, scalars, sign)
    this.#isStale = true
  }

  /** Computes all shares anew if the cluster's total has changed. @returns whether it did */
  refresh(): boolean {
    if (!this.#isStale) return false
    this.#isStale = false
    for (const node of this.#livingNodes()) {
      node.isRated = false
      node.order.shake()
    }
    return true
  }

  /** A claimant of this leaf holds more or less, and was made an offer perhaps; the order of siblings follows. */
  changeHeld(leaf: RoleNode, scalars: Amounts, sign: 1 | -1, offers = 0): void {
    for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
      const place = this.#takeOut(node)
      addTo(node.held, scalars, sign)
      node.offersMade += offers
      node.isRated = false
      if (place) place.add(node.index)
    }
  }

  /** The same for a shared volume, which counts once however many of the subtree hold it. */
  changeShared(leaf: RoleNode, volume: string, scalars: Amounts, sign: 1 | -1): void {
    for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
      const before = node.sharedHolders.get(volume) ?? 0
      const after = before + sign
      if (after === 0) node.sharedHolders.delete(volume)
      else node.sharedHolders.set(volume, after)
      if ((before === 0) === (after === 0)) continue
      const place = this.#takeOut(node)
      addTo(node.held, scalars, sign)
      node.isRated = false
      if (place) place.add(node.index)
    }
  }

  /** A claimant may be served now, or no longer. */
  changeActive(leaf: RoleNode, by: 1 | -1): void {
    for (let node = leaf; node.parent; node = node.parent) {
      const before = node.activeCount
      node.activeCount += by
      if (before === 0) node.parent.order.add(node.index)
      else if (node.activeCount === 0) node.parent.order.remove(node.index)
    }
  }

  /** A claimant of this leaf holds more or less of what is unreserved. */
  consume(leaf: RoleNode, unreserved: Amounts, sign: 1 | -1): void {
    this.#version += 1
    for (let node: RoleNode | undefined = leaf; node; node = node.parent)
      addTo(node.unreservedHeld, unreserved, sign)
    if (this.hasQuotas) this.#requireAlong(leaf, unreserved)
  }

  /** A kind of resource is reserved for a role, or no longer: so much of it, and one reservation more or less. */
  changeReserved(role: string, id: number, by: { readonly amount: number; readonly count: 1 | -1 }): void {
    const node = this.node(role)
    node.reservationCount += by.count
    if (by.amount === 0) return
    const amounts: Amounts = []
    bump(amounts, id, by.amount)
    for (let each: RoleNode | undefined = node; each; each = each.parent) bump(each.reserved, id, by.amount)
    if (this.hasQuotas) this.#requireAlong(node, amounts)
  }

  /** What must be free in the cluster for what is missing to the guarantees. */
  required(id: number): number {
    return amountOf(this.root.required, id)
  }

  /** The same, once a claimant of this leaf held so much more. */
  requiredAfter(leaf: RoleNode, id: number, more: number): number {
    let change = 0
    for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
      const below = amountOf(node.requiredBelow, id) + change
      const missing = Math.max(0, (node.guarantee[id] ?? 0) - node.consumed(id) - more)
      change = Math.max(missing, below) - amountOf(node.required, id)
    }
    return amountOf(this.root.required, id) + change
  }

  /** One more claimant of this leaf has a minimum or a demand of its own, or one less. */
  changeSpecial(leaf: RoleNode, by: 1 | -1): void {
    for (let node: RoleNode | undefined = leaf; node; node = node.parent) node.specialCount += by
  }

  /** Something is missing to a guarantee of the leaf's role or one above it. */
  isMissing(leaf: RoleNode): boolean {
    for (let node: RoleNode | undefined = leaf; node; node = node.parent) if (node.isMissing) return true
    return false
  }

  /** Roles with somebody to serve, in the order in which they are: the leaves of the tree, depth first. */
  leaves(visit: (leaf: RoleNode) => boolean): void {
    this.#visit(this.root, visit, undefined)
  }

  /**
   * The same, without the subtrees of which it is clear that there is nothing to do. What is idle must stay so for as
   * long as the same token is given: those at the beginning are not asked about again.
   */
  leavesBut(
    idle: { readonly is: (node: RoleNode) => boolean; readonly token: number },
    visit: (leaf: RoleNode) => boolean,
  ): void {
    this.#visit(this.root, visit, idle)
  }

  /** Leaves of a subtree, in no order. */
  leavesBelow(node: RoleNode): RoleNode[] {
    return node.isLeaf ? [node] : [...node.children.values()].flatMap(child => this.leavesBelow(child))
  }

  /** Children with somebody to serve, in order. */
  activeChildren(node: RoleNode): RoleNode[] {
    return [...node.order.sorted()].flatMap(index => this.#nodes[index] ?? [])
  }

  #visit(
    node: RoleNode,
    visit: (leaf: RoleNode) => boolean,
    idle: { readonly is: (node: RoleNode) => boolean; readonly token: number } | undefined,
  ): boolean {
    const { order } = node
    const places = order.places()
    let idleUntil = idle === undefined ? 0 : order.idleFor(idle.token)
    for (let index = idleUntil; index < order.length; index++) {
      const child = this.#nodes[places[index] as number]
      if (child === undefined) continue
      if (idle !== undefined && idle.is(child)) {
        if (idleUntil === index) order.noteIdle(idle.token, ++idleUntil)
        continue
      }
      if (!(child.isLeaf ? visit(child) : this.#visit(child, visit, idle))) return false
    }
    return true
  }

  #newNode(name: string, role: string, parent: RoleNode | undefined): RoleNode {
    const order = new Order((a, b) => this.#compare(a, b))
    const node = new RoleNode(this.#vacant.pop() ?? this.#nodes.length, name, role, parent, order)
    this.#nodes[node.index] = node
    parent?.children.set(name, node)
    return node
  }

  #compare(a: number, b: number): number {
    const [one, other] = [this.#nodes[a], this.#nodes[b]]
    if (!one || !other) return a - b
    return (
      compareShares(this.shareOf(one), one.weight, this.shareOf(other), other.weight) ||
      one.offersMade - other.offersMade ||
      byName(one.name, other.name)
    )
  }

  /** @returns the order that it was in, to be put back into when its key has changed; undefined: its place stays */
  #takeOut(node: RoleNode): Order | undefined {
    const order = node.parent?.order
    if (this.#isStale || node.activeCount === 0 || !order || order.length < 2) return undefined
    return order.takeOut(node.index) ? order : undefined
  }

  /** A node's dominant share, divided by its weight. */
  shareOf(node: RoleNode): Share {
    if (!node.isRated) {
      setDominant(node.share, node.held, this.totals, this.counted, node.weight)
      node.isRated = true
    }
    return node.share
  }

  *#livingNodes(): Generator<RoleNode> {
    const open = [this.root]
    for (let node = open.pop(); node; node = open.pop()) {
      yield node
      open.push(...node.children.values())
    }
  }

  #byId(quantities: ReadonlyMap<string, number> | undefined): (number | undefined)[] {
    const byId: (number | undefined)[] = []
    for (const [name, amount] of quantities ?? []) {
      const id = this.names.id(name)
      while (byId.length <= id) byId.push(undefined)
      byId[id] = amount
    }
    return byId
  }

  #requireAll(node: RoleNode): void {
    this.#version += 1
    const all: Amounts = []
    for (let id = 0; id < this.names.size; id++) bump(all, id, 1)
    this.#requireAlong(node, all)
  }

  /** What is required, anew from here to the root, for the names that have changed. */
  #requireAlong(from: RoleNode, changed: Amounts): void {
    for (let node: RoleNode | undefined = from; node; node = node.parent) {
      this.#noteMissing(node)
      if (node.quota) node.isClosed = this.#hasNoRoom(node)
      for (let id = 0; id < changed.length; id++) {
        if (changed[id] === 0) continue
        const before = amountOf(node.required, id)
        const after = Math.max(node.missing(id), amountOf(node.requiredBelow, id))
        if (after === before) continue
        bump(node.required, id, after - before)
        if (node.parent) bump(node.parent.requiredBelow, id, after - before)
      }
    }
  }

  #noteMissing(node: RoleNode): void {
    if (!node.quota && !node.isMissing) return
    const isMissing = this.#hasMissing(node)
    if (isMissing === node.isMissing) return
    node.isMissing = isMissing
    for (let each: RoleNode | undefined = node; each; each = each.parent)
      each.missingCount += isMissing ? 1 : -1
  }

  #hasNoRoom(node: RoleNode): boolean {
    const isFull = (name: string): boolean => {
      const id = this.names.id(name)
      const limit = node.limit[id]
      return limit !== undefined && node.consumed(id) >= limit
    }
    return this.#minimum.length > 0 && this.#minimum.every(all => [...all.keys()].some(isFull))
  }

  #hasMissing(node: RoleNode): boolean {
    for (let id = 0; id < node.guarantee.length; id++) if (node.missing(id) > 0) return true
    return false
  }
}

function isInUse(node: RoleNode): boolean {
  if (node.memberCount > 0 || node.holderCount > 0 || node.reservationCount > 0) return true
  return [...node.children.values()].some(isInUse)
}
