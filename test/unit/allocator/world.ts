import type { Shape } from '@tender/sdk/protocol'
import { kindOf, quantitiesToText, Resources } from '@tender/sdk/values'
import type {
  AgentFacts,
  AllocatorSettings,
  Claim,
  FrameworkFacts,
  Grant,
  Quota,
} from '../../../master/allocator/types.js'
import { isNotShared, isUnreserved, takeShape } from '../../support/reference-allocator/amounts.js'
import type { Entry } from '../../support/reference-allocator/books.js'
import type { ComparedAllocator } from '../../support/reference-allocator/compared-allocator.js'
import { ReferenceAllocator } from '../../support/reference-allocator/reference-allocator.js'
import { isWithin } from '../../support/reference-allocator/roles.js'
import { compareBooks, compareGrants } from './compare.js'
import { type Conversion, conversionsOf, half } from './parts.js'
import * as Pool from './pools.js'
import { pick, subset } from './pools.js'

/** One thing that may happen; the numbers choose to what, and how. */
export interface Step {
  readonly kind: StepKind
  readonly x: number
  readonly y: number
  readonly z: number
}

export type StepKind = {
  [Key in keyof World]: World[Key] extends (x: number, y: number, z: number) => boolean ? Key : never
}[keyof World]

export interface Bounds {
  readonly agents: readonly Resources[]
  readonly mostAgents: number
  readonly mostFrameworks: number
  readonly roles: readonly string[]
  /** Whether frameworks may have capabilities, minima of their own, and constraints. */
  readonly plain: boolean
}

/**
 * The allocator and its reference model, through the same history. What can happen next (what is free, which offers
 * stand) is asked of the model. A step returns whether there was anything that it could be done to.
 */
export class World {
  readonly model: ReferenceAllocator
  readonly real: ComparedAllocator
  readonly log: string[] = []
  readonly #bounds: Bounds
  #now = 0
  #volumes = 0

  constructor(settings: AllocatorSettings, real: ComparedAllocator, bounds: Bounds) {
    this.model = new ReferenceAllocator(settings)
    this.real = real
    this.#bounds = bounds
  }

  take({ kind, x, y, z }: Step): boolean {
    if (!this[kind](x, y, z)) return false
    // Often several things have happened when a cycle comes.
    if ((x + z) % 5 !== 4) this.#allocate('cycle')
    compareBooks(this.model, this.real, this.#bounds.roles)
    return true
  }

  // ---- agents

  agent(x: number, y: number, z: number): boolean {
    const number = (x % this.#bounds.mostAgents) + 1
    const agentId = `agent${number}`
    const facts: AgentFacts = {
      agentId,
      total: pick(this.#bounds.agents, y),
      hostname: z % 7 === 6 ? 'host' : `host${number}`,
      attributes: pick(Pool.attributesPool, z),
      domain: undefined,
    }
    if (this.model.books.agents.has(agentId)) {
      const held = this.model.books.of({ agentId }).map(entry => entry.resources.only(isNotShared))
      const shared = this.#offers({ agentId }).some(offer => !facts.total.contains(offer.resources))
      if (shared || !facts.total.contains(Resources.sum(held))) this.#recoverAll(this.#offers({ agentId }))
    }
    const text = `{ agentId: '${agentId}', total: '${String(facts.total)}', hostname: '${facts.hostname}', attributes: ${JSON.stringify(facts.attributes)} }`
    return this.#do(`setAgent(${text})`, each => each.setAgent(facts))
  }

  removeAgent(x: number): boolean {
    const agentId = this.#agentId(x)
    if (agentId === undefined) return false
    return this.#do(`removeAgent('${agentId}')`, each => each.removeAgent(agentId))
  }

  condition(x: number, y: number): boolean {
    const agentId = this.#agentId(x)
    if (agentId === undefined) return false
    const condition = pick(['active', 'deactivated', 'active', 'draining', 'unreachable'] as const, y)
    if (condition !== 'active') this.#recoverAll(this.#offers({ agentId }))
    return this.#do(`setAgentCondition('${agentId}', '${condition}')`, each =>
      each.setAgentCondition(agentId, condition),
    )
  }

  whitelist(x: number, y: number): boolean {
    const hosts = ['host', 'host1', 'host2', 'host3', 'host4', 'host5']
    const hostnames = y % 3 === 0 ? undefined : new Set(subset(hosts, x))
    return this.#do(`setWhitelist(${hostnames ? JSON.stringify([...hostnames]) : 'undefined'})`, each =>
      each.setWhitelist(hostnames),
    )
  }

  /** An operator reserves what is free, or undoes it, or makes and destroys volumes. */
  convertFree(x: number, y: number): boolean {
    const agentId = this.#agentId(x)
    if (agentId === undefined) return false
    const conversion = this.#conversion(this.model.free(agentId), this.#bounds.roles, y, 0)
    if (!conversion) return false
    const { from, to } = conversion
    return this.#do(`convertFree('${agentId}', '${String(from)}', '${String(to)}')`, each =>
      each.convertFree(agentId, from, to),
    )
  }

  /** A framework reserves some of what it is offered, and so on, and uses all of the offer or gives it back. */
  convertOffered(x: number, y: number, z: number): boolean {
    const offers = this.#someHoldersOffers(x)
    const [offer] = offers
    if (!offer) return false
    const { role, agentId, frameworkId } = offer
    const roles = this.#bounds.roles.filter(each => isWithin(role, each))
    const conversion = this.#conversion(offer.resources, roles, y, 1)
    if (!conversion) return false
    const { from, to } = conversion
    const all = offers.map(each => claimOf(each))
    const claim = { frameworkId, role, agentId, resources: from }
    this.#do(`convertOffered(${text(claim)}, '${String(to)}')`, each => each.convertOffered(claim, to))
    for (const [index, each] of all.entries()) {
      const changed = index === 0 ? each.resources.minus(from).plus(to) : each.resources
      if (index === 0 && z % 2 === 0) this.#use({ ...each, resources: changed })
      else this.#recover({ ...each, resources: changed }, undefined)
    }
    return true
  }

  /** A shared volume is destroyed when nobody else has it. */
  #conversion(
    resources: Resources,
    roles: readonly string[],
    y: number,
    holders: 0 | 1,
  ): Conversion | undefined {
    const isHeld = (key: string) =>
      kindOf(key).isShared &&
      this.model.books.entries.filter(entry => entry.resources.get(key)).length > holders
    const possible = conversionsOf(resources, roles, `w${this.#volumes}`).filter(
      ({ from }) => !from.keys().some(isHeld),
    )
    if (possible.length === 0) return undefined
    this.#volumes += 1
    return pick(possible, y)
  }

  // ---- frameworks

  framework(x: number, y: number, z: number): boolean {
    const { roles, plain, mostFrameworks } = this.#bounds
    const frameworkId = `framework${(x % mostFrameworks) + 1}`
    const chosen = subset(roles, y)
    const ownRoles = chosen.length > 0 ? chosen : [pick(roles, y)]
    const facts: FrameworkFacts = {
      frameworkId,
      roles: ownRoles,
      suppressed: new Set(z % 6 === 5 ? ownRoles.slice(0, 1) : []),
      capabilities: new Set(plain ? [] : pick(Pool.capabilityPool, z)),
      minAllocatable: new Map(plain || z % 4 !== 3 ? [] : [[pick(ownRoles, x), pick(Pool.minima, y + z)]]),
      constraints: new Map(plain ? [] : ownRoles.flatMap((role, index) => constraintOf(role, x + z + index))),
    }
    for (const role of this.model.frameworks.get(frameworkId)?.facts.roles ?? [])
      if (!ownRoles.includes(role)) this.#leave(frameworkId, role)
    return this.#setFramework(facts)
  }

  /** Is there again, as it was. */
  activate(x: number): boolean {
    const inactive = [...this.model.frameworks.values()].filter(framework => !framework.isActive)
    if (inactive.length === 0) return false
    const { facts, suppressed } = pick(inactive, x)
    return this.#setFramework({ ...facts, suppressed: new Set(suppressed) })
  }

  #setFramework(facts: FrameworkFacts): boolean {
    return this.#do(`setFramework(${frameworkText(facts)})`, each => each.setFramework(facts))
  }

  /** What a master does about a role that a framework no longer has. */
  #leave(frameworkId: string, role: string): void {
    this.#recoverAll(this.#offers({ frameworkId, role }))
    this.#do(`clearFilters('${frameworkId}', ['${role}'])`, each => each.clearFilters(frameworkId, [role]))
    if (!this.model.demand(frameworkId, role)) return
    this.#do(`setDemand('${frameworkId}', '${role}', undefined)`, each =>
      each.setDemand(frameworkId, role, undefined),
    )
  }

  deactivateFramework(x: number): boolean {
    const frameworkId = this.#activeId(x)
    if (frameworkId === undefined) return false
    this.#do(`deactivateFramework('${frameworkId}')`, each => each.deactivateFramework(frameworkId))
    this.#recoverAll(this.#offers({ frameworkId }))
    return true
  }

  removeFramework(x: number): boolean {
    const known = [...this.model.frameworks.keys()]
    if (known.length === 0) return false
    const frameworkId = pick(known, x)
    for (const entry of this.model.books.of({ frameworkId })) {
      if (entry.isTask) this.#release(claimOf(entry))
      else this.#recover(claimOf(entry), undefined)
    }
    return this.#do(`removeFramework('${frameworkId}')`, each => each.removeFramework(frameworkId))
  }

  suppress(x: number, y: number): boolean {
    return this.#toRoles(x, y, 'suppress')
  }

  unsuppress(x: number, y: number): boolean {
    return this.#toRoles(x, y, 'unsuppress')
  }

  clearFilters(x: number, y: number): boolean {
    return this.#toRoles(x, y, 'clearFilters')
  }

  #toRoles(x: number, y: number, what: 'suppress' | 'unsuppress' | 'clearFilters'): boolean {
    const frameworkId = this.#activeId(x)
    if (frameworkId === undefined) return false
    const { roles } = this.model.frameworks.get(frameworkId)!.facts
    const chosen = y % 3 === 0 ? roles : [pick(roles, y)]
    return this.#do(`${what}('${frameworkId}', ${JSON.stringify(chosen)})`, each =>
      each[what](frameworkId, chosen),
    )
  }

  demand(x: number, y: number, z: number): boolean {
    const frameworkId = this.#activeId(x)
    if (frameworkId === undefined) return false
    const role = pick(this.model.frameworks.get(frameworkId)!.facts.roles, y)
    const shape = (number: number): Shape => {
      const constraints = z % 8 === 3 ? pick(Pool.constraintPool, number) : undefined
      const resources = pick(Pool.shapePool, number)
      return { count: (number + 1) % 5, resources, ...(constraints && { constraints }) }
    }
    const shapes =
      z % 16 === 15 ? undefined : z % 16 === 14 ? [] : [shape(y), shape(z), shape(y + z)].slice(x % 3)
    return this.#do(`setDemand('${frameworkId}', '${role}', ${JSON.stringify(shapes)})`, each =>
      each.setDemand(frameworkId, role, shapes),
    )
  }

  // ---- roles

  weight(x: number, y: number, z: number): boolean {
    const role = pick(this.#bounds.roles, x)
    const weight = pick(Pool.weights, y)
    if (z % 2 === 0) this.#recoverAll(this.#offers({}))
    return this.#do(`setWeight('${role}', ${weight})`, each => each.setWeight(role, weight))
  }

  quota(x: number, y: number, z: number): boolean {
    const role = pick(this.#bounds.roles, x)
    const quota =
      z % 6 === 5 ? undefined : { guarantee: pick(Pool.guarantees, y), limit: pick(Pool.limits, z) }
    if (quota && !this.#isSound(role, quota)) return false
    if (z % 2 === 0) this.#recoverAll(this.#offers({}))
    const told =
      quota &&
      `{ guarantee: '${quantitiesToText(quota.guarantee)}', limit: '${quantitiesToText(quota.limit)}' }`
    return this.#do(`setQuota('${role}', ${told})`, each => each.setQuota(role, quota))
  }

  /** No guarantee above a limit of its role or of one above it, whatever is forced. */
  #isSound(role: string, quota: Quota): boolean {
    const quotas = new Map([...this.model.quotas, [role, quota]])
    return [...quotas].every(([inner, { guarantee }]) =>
      [...quotas].every(
        ([outer, { limit }]) =>
          !isWithin(inner, outer) ||
          [...guarantee].every(([name, amount]) => amount <= (limit.get(name) ?? Infinity)),
      ),
    )
  }

  // ---- offers and tasks

  /** Launches tasks with some of what it is offered, and gives the rest back. */
  accept(x: number, y: number, z: number): boolean {
    const offers = this.#resolved(x, z)
    for (const offer of offers) {
      const tasks = this.#tasksOf(offer, y)
      for (const resources of tasks) this.#use({ ...offer, resources })
      const rest = offer.resources.minus(Resources.sum(tasks))
      if (!rest.isEmpty) this.#recover({ ...offer, resources: rest }, this.#refuseUntil(z))
    }
    return offers.length > 0
  }

  #tasksOf(offer: Claim, y: number): Resources[] {
    const shapes = this.model.demand(offer.frameworkId, offer.role) ?? []
    if (shapes.length > 0 && y % 3 !== 0) {
      const tasks: Resources[] = []
      for (const shape of shapes) {
        const left = offer.resources.minus(Resources.sum(tasks))
        const task = takeShape(left, Resources.fromWire(shape.resources))
        if (task && (y % 3 === 1 || tasks.length === 0)) tasks.push(task)
      }
      return tasks
    }
    if (y % 2 === 0) return [offer.resources]
    const part = half(offer.resources)
    return part.isEmpty ? [] : [part]
  }

  decline(x: number, _y: number, z: number): boolean {
    const offers = this.#resolved(x, z)
    for (const offer of offers) this.#recover(offer, this.#refuseUntil(z))
    return offers.length > 0
  }

  /** A task ends, or a part of what several hold together. */
  release(x: number, y: number): boolean {
    const tasks = this.model.books.entries.filter(entry => entry.isTask)
    if (tasks.length === 0) return false
    const task = claimOf(pick(tasks, x))
    const part = half(task.resources)
    this.#release(y % 3 > 0 || part.isEmpty ? task : { ...task, resources: part })
    return true
  }

  /** A registering agent reports a task, maybe of a framework that has not subscribed yet. */
  charge(x: number, y: number, z: number): boolean {
    const agentId = this.#agentId(x)
    if (agentId === undefined) return false
    const resources = pick(Pool.runningTasks, z)
    const frameworkId = `framework${(y % (this.#bounds.mostFrameworks + 1)) + 1}`
    const role = pick(this.#bounds.roles, y)
    if (!this.model.free(agentId).contains(resources)) this.#recoverAll(this.#offers({ agentId }))
    const claim = { frameworkId, role, agentId, resources }
    return this.#do(`charge(${text(claim)})`, each => each.charge(claim))
  }

  // ---- time

  advance(_x: number, y: number): boolean {
    this.#now += pick([1000, 250, 4000, 999], y)
    this.log.push(`now = ${this.#now}`)
    return true
  }

  tick(_x: number, y: number): boolean {
    this.#now += pick([1000, 0], y)
    this.#allocate('tick')
    return true
  }

  #allocate(how: 'cycle' | 'tick'): void {
    const free = new Map(
      [...this.model.books.agents.keys()].map(agentId => [agentId, this.model.free(agentId)]),
    )
    const consumed = this.#consumed()
    const expected = this.model[how](this.#now)
    this.log.push(`${how}(${this.#now}) // ${expected.map(each => text(each)).join(', ') || 'nothing'}`)
    const grants = this.real[how](this.#now)
    compareGrants(expected, grants)
    for (const [agentId, before] of free) {
      const given = grants
        .filter(grant => grant.agentId === agentId)
        .map(grant => grant.resources.only(isNotShared))
      if (!before.contains(Resources.sum(given)))
        throw new Error(`more of ${agentId} is offered than was free`)
    }
    for (const grant of grants) this.#expectMinimum(grant)
    for (const [key, { limit, amount }] of this.#consumed()) {
      if (amount > Math.max(limit, consumed.get(key)?.amount ?? 0))
        throw new Error(`the limit of ${key} is exceeded: ${amount} thousandths`)
    }
  }

  #expectMinimum(grant: Grant): void {
    const { demandAware, minAllocatable } = this.model.settings
    if (demandAware && this.model.demand(grant.frameworkId, grant.role)) return
    const { facts } = this.model.frameworks.get(grant.frameworkId)!
    const minimum = facts.minAllocatable.get(grant.role) ?? minAllocatable
    const amounts = grant.resources.quantities()
    if (
      grant.resources.isEmpty ||
      (minimum.length > 0 &&
        !minimum.some(least => [...least].every(([name, amount]) => amount <= (amounts.get(name) ?? 0))))
    )
      throw new Error(`less than the minimum is offered: ${text(grant)}`)
  }

  /** By role and name: the limit, and the unreserved resources that the allocator says are held. */
  #consumed(): Map<string, { limit: number; amount: number }> {
    const consumed = new Map<string, { limit: number; amount: number }>()
    for (const [role, { limit }] of this.model.quotas) {
      for (const [name, most] of limit) {
        if (name !== 'ports')
          consumed.set(`${role} for ${name}`, { limit: most, amount: this.#heldOf(role, name) })
      }
    }
    return consumed
  }

  #heldOf(role: string, name: string): number {
    const holders = new Map(this.model.books.within(role).map(entry => [holderOf(entry), entry]))
    let sum = 0
    for (const { agentId, frameworkId, role } of holders.values()) {
      const { offered, allocated } = this.real.held({ agentId, frameworkId, role })
      sum += offered.only(isUnreserved).thousandths(name) + allocated.only(isUnreserved).thousandths(name)
    }
    return sum
  }

  // ---- doing

  #do(line: string, action: (each: ComparedAllocator) => void): boolean {
    this.log.push(line)
    action(this.model)
    action(this.real)
    return true
  }

  #use(claim: Claim): void {
    this.#do(`use(${text(claim)})`, each => each.use(claim))
  }

  #release(claim: Claim): void {
    this.#do(`release(${text(claim)})`, each => each.release(claim))
  }

  #recover(claim: Claim, untilMs: number | undefined): void {
    const until = untilMs === undefined ? '' : `, ${untilMs}`
    this.#do(`recover(${text(claim)}${until})`, each => each.recover(claim, untilMs))
  }

  #recoverAll(offers: readonly Entry[]): void {
    for (const offer of offers) this.#recover(claimOf(offer), undefined)
  }

  // ---- choosing

  #offers(whose: { agentId?: string; frameworkId?: string; role?: string }): Entry[] {
    return this.model.books.of(whose).filter(entry => !entry.isTask)
  }

  /** All offers that one framework has of one agent in one role: they are accepted and declined as one. */
  #someHoldersOffers(x: number): Entry[] {
    const holders = [...new Set(this.#offers({}).map(holderOf))]
    if (holders.length === 0) return []
    const holder = pick(holders, x)
    return this.#offers({}).filter(offer => holderOf(offer) === holder)
  }

  /** Without demand, one of several is answered too. */
  #resolved(x: number, z: number): Claim[] {
    const offers = this.#someHoldersOffers(x).map(claimOf)
    const [first] = offers
    const isByDemand = first && this.model.demand(first.frameworkId, first.role)
    return isByDemand || z % 3 > 0 ? offers : offers.slice(0, 1)
  }

  #refuseUntil(z: number): number | undefined {
    const refuseMs = pick([undefined, 1000, 5000, 100, 3_600_000], z)
    return refuseMs === undefined ? undefined : this.#now + refuseMs
  }

  #agentId(x: number): string | undefined {
    const known = [...this.model.books.agents.keys()]
    return known.length > 0 ? pick(known, x) : undefined
  }

  #activeId(x: number): string | undefined {
    const active = [...this.model.frameworks.values()].filter(framework => framework.isActive)
    return active.length > 0 ? pick(active, x).facts.frameworkId : undefined
  }
}

function constraintOf(role: string, number: number) {
  const constraints = pick(Pool.constraintPool, number)
  return constraints ? [[role, constraints] as const] : []
}

function claimOf({ frameworkId, role, agentId, resources }: Entry): Claim {
  return { frameworkId, role, agentId, resources }
}

function holderOf({ frameworkId, role, agentId }: Entry): string {
  return `${frameworkId}@${role} of ${agentId}`
}

function text({ frameworkId, role, agentId, resources }: Claim): string {
  return `${frameworkId}@${role} of ${agentId}: '${String(resources)}'`
}

function frameworkText({ frameworkId, roles, ...facts }: FrameworkFacts): string {
  const minima = [...facts.minAllocatable].map(([role, minimum]) => [
    role,
    minimum.map(least => quantitiesToText(least)).join('|'),
  ])
  const extras = {
    ...(facts.suppressed.size > 0 && { suppressed: [...facts.suppressed] }),
    ...(facts.capabilities.size > 0 && { capabilities: [...facts.capabilities] }),
    ...(minima.length > 0 && { minAllocatable: Object.fromEntries(minima) }),
    ...(facts.constraints.size > 0 && { constraints: Object.fromEntries(facts.constraints) }),
  }
  return JSON.stringify({ frameworkId, roles, ...extras })
}
