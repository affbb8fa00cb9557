import { agentInfo, frameworkInfo, type Infer, schema, unavailability } from '@tender/sdk/protocol'

const { array, integer, number, object, oneOf, optional, record, string } = schema

/** Version of the records below. A master does not lead with records that are newer than it. */
export const recordVersion = 1

const v = integer({ minimum: 1 })
/** By plain name, in decimals, as people write them. */
const quantities = record(number({ minimum: 0 }))

/** The master's durable facts. All else is rebuilt from agents and frameworks. */
export const recordSchemas = {
  agent: object({
    v,
    /** With the total as the leader knows it, and the revision of that. */
    agent: agentInfo,
    /** `gone`: removed by an operator, and not to be let in again. */
    state: oneOf(['registered', 'unreachable', 'gone']),
    registeredAtMs: integer(),
    unreachableAtMs: optional(integer()),
    /** By an operator's order; absent: it is offered. */
    condition: optional(oneOf(['deactivated', 'draining'])),
    drainStartedAtMs: optional(integer()),
    drainEndsAtMs: optional(integer()),
    unavailability: optional(unavailability),
  }),
  framework: object({
    v,
    framework: frameworkInfo,
    /** Its first subscription. */
    subscribedAtMs: integer(),
    /** Another one of this id, which had first subscribed then, has ended: so are its tasks, wherever they turn up. */
    endedSubscribedAtMs: optional(integer()),
    /** Of the instance that is subscribed, or was. */
    startedAtMs: optional(integer()),
    /** Absent: it was connected. */
    disconnectedAtMs: optional(integer()),
    /** It has ended for good: its tasks are killed wherever they turn up. */
    completedAtMs: optional(integer()),
    /** Why, in a sentence. */
    completedReason: optional(string()),
  }),
  role: object({
    v,
    role: string(),
    weight: number({ exclusiveMinimum: 0 }),
    quota: optional(object({ guarantee: quantities, limit: quantities })),
  }),
  /** What is said of the cluster as a whole. */
  cluster: object({
    v,
    /** Only agents of these host names are offered; absent: of all. */
    whitelist: optional(array(string())),
  }),
}

export type AgentRecord = Infer<typeof recordSchemas.agent>
export type FrameworkRecord = Infer<typeof recordSchemas.framework>
export type RoleRecord = Infer<typeof recordSchemas.role>
export type ClusterRecord = Infer<typeof recordSchemas.cluster>

/** One write: a new value, or none to remove it. */
export type RegistryRecord =
  | { readonly kind: 'agent'; readonly id: string; readonly value: AgentRecord | undefined }
  | { readonly kind: 'framework'; readonly id: string; readonly value: FrameworkRecord | undefined }
  | { readonly kind: 'role'; readonly id: string; readonly value: RoleRecord | undefined }
  /** There is one, `settings`. */
  | { readonly kind: 'cluster'; readonly id: 'settings'; readonly value: ClusterRecord | undefined }

/** All that a new leader starts from. */
export interface RegistryContent {
  readonly agents: readonly AgentRecord[]
  readonly frameworks: readonly FrameworkRecord[]
  readonly roles: readonly RoleRecord[]
  readonly cluster?: ClusterRecord | undefined
}
