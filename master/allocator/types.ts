import type { Capability, ConstraintGroups, Domain, Shape } from '@tender/sdk/protocol'
import type { Attributes, Quantities, Resources } from '@tender/sdk/values'

/** The least that an offer must hold: one of these amounts, whole. An empty list asks for nothing. */
export type Minimum = readonly Quantities[]

export interface AllocatorSettings {
  /** How often a tick looks at what has come back since the last one. */
  readonly allocationIntervalMs: number
  /** Whether what comes back is offered again at once; else it waits for the tick, as in Mesos. */
  readonly allocateOnRelease: boolean
  readonly minAllocatable: Minimum
  /** Scalars that do not count for dominant shares, such as gpus. */
  readonly fairnessExcluded: ReadonlySet<string>
  /** Whether declared demand counts; else everybody is offered whole remainders. */
  readonly demandAware: boolean
  /** Who comes first: by dominant share, or by lot (weighted, from the seed). */
  readonly sorter: 'drf' | 'random'
  readonly seed: number
  /** The master's own region: agents of another one are only for frameworks that can handle that. */
  readonly region?: string
}

/** What the allocator knows of an agent. */
export interface AgentFacts {
  readonly agentId: string
  /** Reservations and volumes included. */
  readonly total: Resources
  readonly hostname: string
  readonly attributes: Attributes
  readonly domain: Domain | undefined
}

/**
 * Whether an agent may be offered: `draining` and `deactivated` by an operator, `unreachable` when it is silent, `unwell`
 * when it says that it cannot run what it has.
 */
export type AgentCondition = 'active' | 'deactivated' | 'draining' | 'unreachable' | 'unwell'

/** What the allocator knows of a framework. */
export interface FrameworkFacts {
  readonly frameworkId: string
  readonly roles: readonly string[]
  readonly suppressed: ReadonlySet<string>
  readonly capabilities: ReadonlySet<Capability>
  /** Instead of the cluster's, by role; a role that is not named has the cluster's. */
  readonly minAllocatable: ReadonlyMap<string, Minimum>
  readonly constraints: ReadonlyMap<string, ConstraintGroups>
}

/** A role's guarantee and limit; an amount that is not named in the limit is unlimited. */
export interface Quota {
  readonly guarantee: Quantities
  readonly limit: Quantities
}

/** Who holds it, of which agent. */
export interface Claim {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly resources: Resources
}

/** An offer to be made. */
export type Grant = Claim

/** What somebody holds: shown in offers, and used by tasks. */
export interface Holding {
  readonly offered: Resources
  readonly allocated: Resources
}

/** A figure for `/metrics`. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export type { Shape }
