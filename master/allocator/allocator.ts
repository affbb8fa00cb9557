import type { ConstraintGroups, ErrorCode, Shape } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { isAllocatableTo, Resources } from '@tender/sdk/values'
import type { Explanation } from '../core/view.js'
import { Books } from './books.js'
import { Filters } from './filters.js'
import { meets, parseMinimum } from './minimum.js'
import type { Reason } from './reasons.js'
import { byDominantShare, type Claimant, dominantShare } from './shares.js'
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

interface Framework {
  readonly frameworkId: string
  roles: readonly string[]
  suppressed: ReadonlySet<string>
  isActive: boolean
  /** Offers made so far, by role. */
  readonly offersMade: Map<string, number>
}

/**
 * Decides who is offered what. Roles compete by dominant share, and inside a role its frameworks do. It knows nothing of
 * subjects, sessions or tasks' commands; whatever changed marks the agents that a cycle has to look at again, and a
 * cycle looks at no others.
 */
export class Allocator {
  readonly settings: AllocatorSettings
  readonly #books = new Books()
  readonly #filters = new Filters()
  readonly #frameworks = new Map<string, Framework>()
  readonly #roleOffersMade = new Map<string, number>()
  readonly #weights = new Map<string, number>()
  readonly #facts = new Map<string, AgentFacts>()
  readonly #conditions = new Map<string, AgentCondition>()
  readonly #quotas = new Map<string, Quota>()
  readonly #demands = new Map<string, readonly Shape[]>()
  #whitelist: ReadonlySet<string> | undefined
  readonly #candidates = new Set<string>()
  #clusterTotal = Resources.none

  constructor(settings: AllocatorSettings = defaultAllocatorSettings) {
    this.settings = settings
  }

  static checkConstraints(groups: ConstraintGroups): void {
    for (const { matches, notMatches } of groups.flat()) {
      for (const pattern of [matches, notMatches]) if (pattern !== undefined) new RegExp(pattern, 'u')
    }
  }

  setAgent(facts: AgentFacts): void {
    const { agentId, total } = facts
    const known = this.#facts.get(agentId)
    const about = ({ hostname, attributes, domain }: AgentFacts) =>
      JSON.stringify([hostname, attributes, domain])
    if (known && about(known) !== about(facts)) this.#filters.clearAgent(agentId)
    this.#facts.set(agentId, facts)
    this.#books.setTotal(agentId, total)
    if (!known) this.#conditions.set(agentId, 'active')
    this.#candidates.add(agentId)
    this.#sumUp()
  }

  setAgentCondition(agentId: string, condition: AgentCondition): void {
    this.#conditions.set(agentId, condition)
    this.#candidates.add(agentId)
  }

  agentCondition(agentId: string): AgentCondition {
    return this.#conditions.get(agentId) ?? 'active'
  }

  removeAgent(agentId: string): void {
    this.#books.removeAgent(agentId)
    this.#facts.delete(agentId)
    this.#conditions.delete(agentId)
    this.#filters.clearAgent(agentId)
    this.#sumUp()
  }

  setWhitelist(hostnames: ReadonlySet<string> | undefined): void {
    this.#whitelist = hostnames
    this.#allAreCandidates()
  }

  convertFree(agentId: string, from: Resources, to: Resources): void {
    const total = this.#books.total(agentId)
    if (!this.#books.free(agentId).contains(from)) throw new RangeError(`${String(from)} is not free`)
    this.#books.setTotal(agentId, total.minus(from).plus(to))
    this.#candidates.add(agentId)
  }

  convertOffered(claim: Claim, to: Resources): void {
    this.#books.release(claim, 'offered')
    this.convertFree(claim.agentId, claim.resources, to)
    this.#books.charge({ ...claim, resources: to }, 'offered')
  }

  setDemand(frameworkId: string, role: string, shapes: readonly Shape[] | undefined): void {
    if (shapes) this.#demands.set(`${frameworkId} ${role}`, shapes)
    else this.#demands.delete(`${frameworkId} ${role}`)
  }

  demand(frameworkId: string, role: string): readonly Shape[] | undefined {
    return this.#demands.get(`${frameworkId} ${role}`)
  }

  setQuota(role: string, quota: Quota | undefined): void {
    if (quota) this.#quotas.set(role, quota)
    else this.#quotas.delete(role)
  }

  quota(role: string): Quota | undefined {
    return this.#quotas.get(role)
  }

  quotaProblem(
    changes: readonly { role: string; quota: Quota }[],
    force: boolean,
  ): { code: ErrorCode; message: string } | undefined {
    for (const { role, quota } of changes) {
      for (const [name, amount] of quota.guarantee) {
        const limit = quota.limit.get(name)
        if (limit !== undefined && amount > limit)
          return { code: 'invalid-quota', message: `the guarantee of ${role} is above its limit` }
        if (!force && amount > this.#clusterTotal.thousandths(name))
          return { code: 'quota-unsatisfiable', message: `the cluster has too little ${name} for ${role}` }
      }
    }
    return undefined
  }

  standsInTheWay(claim: Claim): boolean {
    for (const [role, { guarantee }] of this.#quotas) {
      if (claim.role === role) continue
      for (const [name, amount] of guarantee) {
        let free = 0
        for (const id of this.#books.agentIds()) free += this.#books.free(id).thousandths(name)
        if (free < amount && claim.resources.thousandths(name) > 0) return true
      }
    }
    return false
  }

  reservationProblem(
    _agentId: string,
    _from: Resources,
    to: Resources,
    holderRole: string | undefined,
  ): string | undefined {
    for (const [role, { limit }] of this.#quotas) {
      for (const [name, amount] of limit) {
        const more = to.only(kind => kind.reservation?.roles.at(-1) === role).thousandths(name)
        if (more > amount && holderRole !== role) return `role ${role} is limited to ${amount / 1000} ${name}`
      }
    }
    return undefined
  }

  /** A framework subscribes, or changes its roles. */
  setFramework({ frameworkId, roles, suppressed }: FrameworkFacts): void {
    const known = this.#frameworks.get(frameworkId)
    const offersMade = known?.offersMade ?? new Map<string, number>()
    this.#frameworks.set(frameworkId, { frameworkId, roles, suppressed, isActive: true, offersMade })
    this.#allAreCandidates()
  }

  /** The connection is lost: no offers, and its filters end; what it holds stays charged to it. */
  deactivateFramework(frameworkId: string): void {
    const framework = this.#frameworks.get(frameworkId)
    if (framework) framework.isActive = false
    this.#filters.clearFramework(frameworkId)
  }

  removeFramework(frameworkId: string): void {
    this.#frameworks.delete(frameworkId)
    this.#filters.clearFramework(frameworkId)
  }

  suppress(frameworkId: string, roles: readonly string[]): void {
    const framework = this.#frameworks.get(frameworkId)
    if (framework) framework.suppressed = new Set([...framework.suppressed, ...roles])
  }

  unsuppress(frameworkId: string, roles: readonly string[]): void {
    const framework = this.#frameworks.get(frameworkId)
    if (!framework) return
    framework.suppressed = new Set([...framework.suppressed].filter(role => !roles.includes(role)))
    this.#allAreCandidates()
  }

  clearFilters(frameworkId: string, roles: readonly string[]): void {
    for (const agentId of this.#filters.clear(frameworkId, roles)) this.#candidates.add(agentId)
  }

  setWeight(role: string, weight: number): void {
    this.#weights.set(role, weight)
  }

  weight(role: string): number {
    return this.#weights.get(role) ?? 1
  }

  /** A task is launched with a part of an offer. */
  use(claim: Claim): void {
    this.#books.use(claim)
  }

  /** A task that runs already, e.g. one that a returning agent reports. */
  charge(claim: Claim): void {
    this.#books.charge(claim, 'allocated')
  }

  /** A task has ended. */
  release(claim: Claim): void {
    this.#books.release(claim, 'allocated')
    this.#candidates.add(claim.agentId)
  }

  /** An offer, or the rest of one, comes back; `refuseUntilMs` keeps it from this framework for a while. */
  recover(claim: Claim, refuseUntilMs?: Millis): void {
    this.#books.release(claim, 'offered')
    this.#candidates.add(claim.agentId)
    if (refuseUntilMs === undefined || claim.resources.isEmpty) return
    const { frameworkId, role, agentId, resources } = claim
    this.#filters.add({ frameworkId, role, agentId, refused: resources, expiresAtMs: refuseUntilMs })
  }

  cycle(now: Millis): Grant[] {
    for (const agentId of this.#filters.expire(now)) this.#candidates.add(agentId)
    if (this.#candidates.size === 0) return []
    const grants: Grant[] = []
    const candidates = [...this.#candidates]
      .filter(agentId => {
        const facts = this.#facts.get(agentId)
        const isOfferable = this.#conditions.get(agentId) === 'active'
        return facts && isOfferable && (this.#whitelist?.has(facts.hostname) ?? true)
      })
      .toSorted()
    this.#candidates.clear()
    for (const agentId of candidates) grants.push(...this.#offerRest(agentId))
    return grants
  }

  tick(now: Millis): Grant[] {
    return this.cycle(now)
  }

  nextDueMs(): number | undefined {
    return undefined
  }

  total(agentId: string): Resources {
    return this.#books.total(agentId)
  }

  allocatedOn(agentId: string): Resources {
    return this.held({ agentId }).allocated
  }

  holders(
    agentId: string,
  ): { frameworkId: string; role: string; offered: Resources; allocated: Resources }[] {
    return this.#books.holders(agentId)
  }

  roleOrder(): string[] {
    return this.#rolesByShare()
  }

  frameworkOrder(role: string): string[] {
    return this.#frameworksByShare(role).map(({ frameworkId }) => frameworkId)
  }

  frameworkShare(role: string, frameworkId: string): number | undefined {
    return this.#share({ role, frameworkId })
  }

  series(): Series[] {
    return []
  }

  explain(
    _now: number,
    frameworkId: string,
    _options: { role?: string; agentId?: string } = {},
  ): Explanation {
    return { frameworkId, roles: [] }
  }

  reason(): Reason {
    return 'next-cycle'
  }

  free(agentId: string): Resources {
    return this.#books.free(agentId)
  }

  held(whose: { agentId?: string; frameworkId?: string; role?: string }): Holding {
    return this.#books.held(whose)
  }

  /** A role's dominant share, divided by its weight. */
  roleShare(role: string): number | undefined {
    return this.#share({ role }) / this.weight(role)
  }

  isSuppressed(frameworkId: string, role: string): boolean {
    return this.#frameworks.get(frameworkId)?.suppressed.has(role) ?? false
  }

  #offerRest(agentId: string): Grant[] {
    const grants: Grant[] = []
    for (const role of this.#rolesByShare()) {
      for (const framework of this.#frameworksByShare(role)) {
        const { frameworkId } = framework
        const resources = this.#books.free(agentId).only(kind => isAllocatableTo(kind, role))
        if (!meets(resources, this.settings.minAllocatable)) continue
        if (this.#filters.refuses(frameworkId, role, agentId, resources)) continue
        const grant = { frameworkId, role, agentId, resources }
        this.#books.charge(grant, 'offered')
        framework.offersMade.set(role, (framework.offersMade.get(role) ?? 0) + 1)
        this.#roleOffersMade.set(role, (this.#roleOffersMade.get(role) ?? 0) + 1)
        grants.push(grant)
      }
    }
    return grants
  }

  /** Roles with somebody to serve. Weights and the tree of roles have their place here. */
  #rolesByShare(): string[] {
    const roles = new Set<string>()
    for (const framework of this.#frameworks.values()) {
      if (framework.isActive)
        for (const role of framework.roles) if (!framework.suppressed.has(role)) roles.add(role)
    }
    const claimants: Claimant[] = [...roles].map(name => ({
      name,
      share: this.roleShare(name) ?? 0,
      offersMade: this.#roleOffersMade.get(name) ?? 0,
    }))
    return claimants.toSorted(byDominantShare).map(({ name }) => name)
  }

  #frameworksByShare(role: string): Framework[] {
    const claimants: (Claimant & { framework: Framework })[] = []
    for (const framework of this.#frameworks.values()) {
      const { frameworkId, isActive, roles, suppressed, offersMade } = framework
      if (!isActive || !roles.includes(role) || suppressed.has(role)) continue
      const share = this.#share({ role, frameworkId })
      claimants.push({ framework, name: frameworkId, share, offersMade: offersMade.get(role) ?? 0 })
    }
    return claimants.toSorted(byDominantShare).map(({ framework }) => framework)
  }

  #share(whose: { frameworkId?: string; role: string }): number {
    const { offered, allocated } = this.#books.held(whose)
    return dominantShare(offered.plus(allocated), this.#clusterTotal, this.settings.fairnessExcluded)
  }

  #allAreCandidates(): void {
    for (const agentId of this.#facts.keys()) this.#candidates.add(agentId)
  }

  #sumUp(): void {
    const totals = this.#books.agentIds().map(agentId => this.#books.total(agentId))
    const scalars = totals.map(total =>
      Resources.of([...total.entries()].filter(([, value]) => value.kind === 'scalar')),
    )
    this.#clusterTotal = Resources.sum(scalars)
  }
}
