import { agentInfo, frameworkInfo, type Infer, schema } from '@tender/sdk/protocol'

const { integer, number, object, oneOf, optional, string } = schema

/** Version of the records below; one that is newer than this program is refused at the start. */
export const recordVersion = 1

const v = integer({ minimum: 1 })

/** The master's durable facts. All else is rebuilt from agents and frameworks. */
export const recordSchemas = {
  agent: object({
    v,
    agent: agentInfo,
    state: oneOf(['registered', 'unreachable']),
    registeredAtMs: integer(),
    unreachableAtMs: optional(integer()),
  }),
  framework: object({ v, framework: frameworkInfo, subscribedAtMs: integer() }),
  role: object({ v, role: string(), weight: number({ exclusiveMinimum: 0 }) }),
}

export type AgentRecord = Infer<typeof recordSchemas.agent>
export type FrameworkRecord = Infer<typeof recordSchemas.framework>
export type RoleRecord = Infer<typeof recordSchemas.role>

/** One write: a new value, or none to remove it. */
export type RegistryRecord =
  | { readonly kind: 'agent'; readonly id: string; readonly value: AgentRecord | undefined }
  | { readonly kind: 'framework'; readonly id: string; readonly value: FrameworkRecord | undefined }
  | { readonly kind: 'role'; readonly id: string; readonly value: RoleRecord | undefined }

/** All that a new leader starts from. */
export interface RegistryContent {
  readonly agents: readonly AgentRecord[]
  readonly frameworks: readonly FrameworkRecord[]
  readonly roles: readonly RoleRecord[]
}
