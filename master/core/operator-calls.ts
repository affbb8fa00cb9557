import { agentId, frameworkId, type Infer, resources, schema, unavailability } from '@tender/sdk/protocol'

const { array, boolean, integer, number, object, optional, record, string } = schema

const role = string({ minLength: 1, maxLength: 200 })
const quantities = record(number({ minimum: 0 }), {
  maxProperties: 100,
  description: 'amounts by plain name; of ranges and sets the number of members',
})

/** Sets both; what is left out is none, and neither removes the quota. */
export const quotaOfRole = object({
  role,
  guarantee: optional(quantities),
  /** A resource that is not named is unlimited; 0 means none at all. */
  limit: optional(quantities),
})

const ofAgent = { agentId }
const amount = object({ agentId, resources })

/** What operators can change. Each is stored in the registry before it takes effect, and is answered with what changed. */
export const operatorCalls = {
  'set-weight': object({ role, weight: number({ exclusiveMinimum: 0, maximum: 1_000_000 }) }),
  /** Back to the default weight of 1, without a quota; a role that nobody uses is forgotten. */
  'reset-role': object({ role }),
  /** All or none of them. */
  'set-quotas': object({
    quotas: array(quotaOfRole, { minItems: 1, maxItems: 1000 }),
    force: optional(boolean()),
  }),
  reserve: amount,
  unreserve: amount,
  'create-volumes': amount,
  'destroy-volumes': amount,
  /** A window for each of these agents, in place of the one it had; other agents keep theirs. None: no window. */
  'set-maintenance': object({
    agentIds: array(agentId, { minItems: 1, maxItems: 10_000 }),
    unavailability: optional(unavailability),
  }),
  /** No more offers; frameworks with tasks there are asked to leave, and after the grace their tasks are killed. */
  drain: object({ ...ofAgent, graceMs: optional(integer({ minimum: 0, maximum: 31_536_000_000 })) }),
  deactivate: object(ofAgent),
  /** Ends a deactivation or a drain. */
  reactivate: object(ofAgent),
  /**
   * The agent is gone, by the operator's promise: its tasks end as GONE_BY_OPERATOR. It is not let in again, unless it may
   * return; then it comes as a new one.
   */
  'remove-agent': object({ ...ofAgent, mayReturn: optional(boolean()) }),
  /** The framework has ended for good: it is told so, and its tasks are killed. */
  'tear-down': object({ frameworkId }),
  /** The silent agents are away indeed, and not only the master's link: they become unreachable. */
  'confirm-silent': object({}),
  /** Only agents of these host names are offered; none named: of all. */
  'set-whitelist': object({ hostnames: optional(array(string({ maxLength: 253 }), { maxItems: 100_000 })) }),
}

type Calls = { [K in keyof typeof operatorCalls]: { readonly kind: K } & Infer<(typeof operatorCalls)[K]> }
export type OperatorCall = Calls[keyof Calls]
export type QuotaOfRole = Infer<typeof quotaOfRole>
