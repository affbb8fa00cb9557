import {
  agentInfo,
  demand,
  type Infer,
  inverseOffer,
  inverseOfferAnswers,
  offer,
  frameworkInfo,
  resources,
  schema,
  taskStatus,
  offerOutcomes,
  unavailability,
} from '@tender/sdk/protocol'
import { taskStates } from '@tender/sdk/values'
import { reasons } from '../allocator/reasons.js'

const { array, boolean, integer, number, object, oneOf, optional, propertiesOf, record, string } = schema

/**
 * What operators see: the JSON of the web endpoint, with the field names of the protocol. Schemas, so that the OpenAPI
 * description is made of them and the answers can be checked against it.
 */

const timestampMs = integer({ minimum: 0, description: 'milliseconds since 1970' })

export const leaderView = object({
  cluster: string(),
  masterId: string(),
  isLeader: boolean({ description: 'whether it is the master that answers' }),
  epoch: integer({ minimum: 0 }),
  httpUrl: string({ description: "the leader's web endpoint" }),
  electedAtMs: timestampMs,
  version: string(),
  /** So many agents are silent at once that the master suspects its own link, and gives none of them up. */
  suspicion: optional(object({ sinceMs: timestampMs, silentAgents: integer({ minimum: 0 }) })),
})

/** Amounts of one agent, framework or role. At all times free + offered + allocated = total. */
const holdings = { allocated: resources, offered: resources }

export const agentView = object({
  ...propertiesOf(agentInfo),
  /** `recovering`: known from the registry, and not heard of since this leader was elected. */
  state: oneOf(['registered', 'recovering', 'unreachable']),
  registeredAtMs: timestampMs,
  heardAtMs: timestampMs,
  unreachableAtMs: optional(timestampMs),
  /** By an operator's order; absent: it is offered. */
  condition: optional(oneOf(['deactivated', 'draining'])),
  /** Why it cannot run what it has, and is not offered; absent: it can. */
  problem: optional(string()),
  /** Silent for too long, and not given up, since the master suspects its own link. */
  isSilent: optional(boolean()),
  /** Of a drain with a grace: when the tasks that are still there are killed. */
  drainEndsAtMs: optional(timestampMs),
  /** The maintenance window. */
  unavailability: optional(unavailability),
  ...holdings,
  free: resources,
  taskCount: integer({ minimum: 0 }),
})

export const frameworkView = object({
  ...propertiesOf(frameworkInfo),
  state: oneOf(['connected', 'disconnected']),
  suppressedRoles: array(string()),
  /** Declared, and open still: launched tasks are taken off. A role that is not named has no demand. */
  demands: optional(array(demand)),
  subscribedAtMs: timestampMs,
  disconnectedAtMs: optional(timestampMs),
  ...holdings,
  offerCount: integer({ minimum: 0 }),
  taskCount: integer({ minimum: 0 }),
})

/** A framework that has ended for good. */
export const completedFrameworkView = object({
  frameworkId: string(),
  name: string(),
  roles: array(string()),
  subscribedAtMs: timestampMs,
  completedAtMs: timestampMs,
  reason: string({ description: 'why it has ended' }),
})

const quantities = record(number({ minimum: 0 }))

/** A role's quota; of a guarantee and a limit, what is not set is absent. */
export const roleQuotaView = object({
  guarantee: optional(quantities),
  limit: optional(quantities),
  /** Of each resource that the quota names: what counts against it now. */
  consumed: quantities,
})

export const roleView = object({
  role: string(),
  weight: number(),
  dominantShare: number({ description: 'largest share over cpus, mem, disk …, divided by the weight' }),
  frameworkIds: array(string()),
  quota: optional(roleQuotaView),
  /** Of all agents, what is reserved for this role itself, held or not; only scalars. */
  reserved: optional(resources),
  ...holdings,
})

export const inverseOfferView = object({
  ...propertiesOf(inverseOffer),
  madeAtMs: optional(timestampMs),
  /** Absent while the framework has not answered. */
  answer: optional(oneOf(inverseOfferAnswers)),
  /** Absent while it is outstanding. */
  endedAtMs: optional(timestampMs),
})

export const offerView = object({
  ...propertiesOf(offer),
  frameworkName: string(),
  state: oneOf(['outstanding', ...offerOutcomes]),
  ageMs: integer({ minimum: 0, description: 'until now, or until it ended' }),
  endedAtMs: optional(timestampMs),
  reason: optional(string({ description: "why it ended, when not by the framework's answer alone" })),
})

export const taskView = object({
  taskId: string(),
  frameworkId: string(),
  agentId: string(),
  hostname: string(),
  role: string(),
  name: string(),
  resources,
  labels: schema.record(string()),
  state: oneOf(taskStates),
  launchedAtMs: timestampMs,
  updatedAtMs: timestampMs,
  status: optional(taskStatus),
})

/** Why one agent is not offered. */
export const agentExplanation = object({
  agentId: string(),
  hostname: string(),
  reason: oneOf(reasons),
  message: string({ description: 'the reason in a sentence, with its figures' }),
  /** The figures behind the reason, as texts: `free`, `minimum`, `limit`, `refusedForMs` … */
  figures: schema.record(string()),
})

/** Why a framework has no more offers in one role: how many agents fell at each stage. */
export const roleExplanation = object({
  role: string(),
  agentCount: integer({ minimum: 0 }),
  /** From what stops it everywhere to what stops it here and now; reasons with no agent are left out. */
  funnel: array(
    object({ reason: oneOf(reasons), agentCount: integer({ minimum: 0 }), example: agentExplanation }),
  ),
  /** The smallest change that would let an offer through, in a sentence. */
  advice: optional(string()),
  /** The agents asked for, or the first 100. */
  agents: array(agentExplanation),
})

export const explanation = object({ frameworkId: string(), roles: array(roleExplanation) })

export const stateView = object({
  leader: leaderView,
  agents: array(agentView),
  frameworks: array(frameworkView),
  roles: array(roleView),
  offers: array(offerView),
  /** Offers that have ended, newest first; the last 100. */
  recentOffers: array(offerView),
  /** Also those that have ended, newest first, as far as they are remembered. */
  tasks: array(taskView),
  /** The outstanding ones. */
  inverseOffers: optional(array(inverseOfferView)),
  /** Only agents of these host names are offered; absent: of all. */
  whitelist: optional(array(string())),
})

/** One thing that an operator's call has changed: `role web: weight 1 -> 2`. */
export const changeView = object({
  subject: string({ description: 'what has changed: `role web`, `agent a1`' }),
  field: string({ description: 'what of it: `weight`, `guarantee`, `reserved`' }),
  from: optional(string({ description: 'absent: there was none' })),
  to: optional(string({ description: 'absent: there is none any more' })),
})

/** The result of each operator's call; no change: it was so already. */
export const changesView = object({ changes: array(changeView) })

export const eventKinds = [
  'leader',
  'agent',
  'agent-removed',
  'framework',
  'framework-removed',
  'offer-made',
  'offer-ended',
  'inverse-offer',
  'task',
] as const

/** What the event stream tells: the changed thing as it is now, under the field that fits the kind. */
export const clusterEvent = object({
  kind: oneOf(eventKinds),
  timestampMs,
  leader: optional(leaderView),
  agent: optional(agentView),
  agentId: optional(string()),
  framework: optional(frameworkView),
  frameworkId: optional(string()),
  offer: optional(offerView),
  inverseOffer: optional(inverseOfferView),
  task: optional(taskView),
})

export type LeaderView = Infer<typeof leaderView>
export type AgentView = Infer<typeof agentView>
export type CompletedFrameworkView = Infer<typeof completedFrameworkView>
export type FrameworkView = Infer<typeof frameworkView>
export type RoleView = Infer<typeof roleView>
export type OfferView = Infer<typeof offerView>
export type RoleQuotaView = Infer<typeof roleQuotaView>
export type InverseOfferView = Infer<typeof inverseOfferView>
export type ChangeView = Infer<typeof changeView>
export type ChangesView = Infer<typeof changesView>
export type TaskView = Infer<typeof taskView>
export type StateView = Infer<typeof stateView>
export type AgentExplanation = Infer<typeof agentExplanation>
export type RoleExplanation = Infer<typeof roleExplanation>
export type Explanation = Infer<typeof explanation>
export type ClusterEvent = Infer<typeof clusterEvent>
