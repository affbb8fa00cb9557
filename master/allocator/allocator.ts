import type { Millis } from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import { Books, type Claim, type Holding } from './books.js'
import { Filters } from './filters.js'
import { byDominantShare, type Claimant, dominantShare } from './shares.js'

export interface AllocatorSettings {
  /** An offer must hold at least one of these (Mesos' `--min_allocatable_resources`: 0.01 cpus or 32 MB). */
  readonly minAllocatable: readonly Resources[]
  /** Scalars that do not count for dominant shares, such as gpus. */
  readonly fairnessExcluded: ReadonlySet<string>
}

export const defaultAllocatorSettings: AllocatorSettings = {
  minAllocatable: [Resources.parse('cpus:0.01'), Resources.parse('mem:32')],
  fairnessExcluded: new Set(),
}

interface Framework {
  readonly frameworkId: string
  roles: readonly string[]
  suppressed: ReadonlySet<string>
  isActive: boolean
  /** Offers made so far, by role. */
  readonly offersMade: Map<string, number>
}

/** An offer to be made: the whole free rest of an agent, to one framework in one role. */
export type Grant = Claim

/**
 * Decides who is offered what. Roles compete by dominant share, and inside a role its frameworks do. It knows nothing of
 * subjects, sessions or tasks' commands; whatever changed marks the agents that a cycle has to look at again, and a
 * cycle looks at no others.
 */
export class Allocator {
  readonly #settings: AllocatorSettings
  readonly #books = new Books()
  readonly #filters = new Filters()
  readonly #frameworks = new Map<string, Framework>()
  readonly #roleOffersMade = new Map<string, number>()
  readonly #weights = new Map<string, number>()
  /** Agents that may be offered from: registered and reachable. */
  readonly #activeAgents = new Set<string>()
  readonly #candidates = new Set<string>()
  #clusterTotal = Resources.none

  constructor(settings: AllocatorSettings = defaultAllocatorSettings) {
    this.#settings = settings
  }

  /** A new agent, or a known one with a new total. Its filters end when its attributes changed: the caller says so. */
  setAgent(agentId: string, total: Resources, options: { endFilters: boolean }): void {
    this.#books.setTotal(agentId, total)
    if (options.endFilters) this.#filters.clearAgent(agentId)
    this.#activeAgents.add(agentId)
    this.#candidates.add(agentId)
    this.#sumUp()
  }

  /** No offers from it until `setAgent`; what tasks hold stays in the books. */
  deactivateAgent(agentId: string): void {
    this.#activeAgents.delete(agentId)
  }

  removeAgent(agentId: string): void {
    this.#books.removeAgent(agentId)
    this.#activeAgents.delete(agentId)
    this.#filters.clearAgent(agentId)
    this.#sumUp()
  }

  /** A framework subscribes, or changes its roles. */
  setFramework(frameworkId: string, roles: readonly string[], suppressed: ReadonlySet<string>): void {
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

  /**
   * One allocation cycle over the agents that changed since the last one, in the order of their ids. Each grant is
   * charged before the next agent is looked at.
   */
  cycle(now: Millis): Grant[] {
    for (const agentId of this.#filters.expire(now)) this.#candidates.add(agentId)
    if (this.#candidates.size === 0) return []
    const grants: Grant[] = []
    const candidates = [...this.#candidates].filter(agentId => this.#activeAgents.has(agentId)).toSorted()
    this.#candidates.clear()
    for (const agentId of candidates) {
      const grant = this.#offerRest(agentId)
      if (grant) grants.push(grant)
    }
    return grants
  }

  free(agentId: string): Resources {
    return this.#books.free(agentId)
  }

  held(whose: { agentId?: string; frameworkId?: string; role?: string }): Holding {
    return this.#books.held(whose)
  }

  /** A role's dominant share, divided by its weight. */
  roleShare(role: string): number {
    return this.#share({ role }) / this.weight(role)
  }

  isSuppressed(frameworkId: string, role: string): boolean {
    return this.#frameworks.get(frameworkId)?.suppressed.has(role) ?? false
  }

  /** The whole free rest of an agent goes to the first framework, in the order of shares, that may have it. */
  #offerRest(agentId: string): Grant | undefined {
    const resources = this.#books.free(agentId)
    if (!this.#settings.minAllocatable.some(least => resources.contains(least))) return undefined
    for (const role of this.#rolesByShare()) {
      for (const framework of this.#frameworksByShare(role)) {
        const { frameworkId } = framework
        if (this.#filters.refuses(frameworkId, role, agentId, resources)) continue
        const grant = { frameworkId, role, agentId, resources }
        this.#books.charge(grant, 'offered')
        framework.offersMade.set(role, (framework.offersMade.get(role) ?? 0) + 1)
        this.#roleOffersMade.set(role, (this.#roleOffersMade.get(role) ?? 0) + 1)
        return grant
      }
    }
    return undefined
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
      share: this.roleShare(name),
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
    return dominantShare(offered.plus(allocated), this.#clusterTotal, this.#settings.fairnessExcluded)
  }

  #allAreCandidates(): void {
    for (const agentId of this.#activeAgents) this.#candidates.add(agentId)
  }

  #sumUp(): void {
    const totals = this.#books.agentIds().map(agentId => this.#books.total(agentId))
    const scalars = totals.map(total =>
      Resources.of([...total.entries()].filter(([, value]) => value.kind === 'scalar')),
    )
    this.#clusterTotal = Resources.sum(scalars)
  }
}
