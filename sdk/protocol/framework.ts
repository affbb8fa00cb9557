import { constraintGroups } from './constraint.js'
import { demand } from './demand.js'
import { received } from './envelope.js'
import { errorCode } from './errors.js'
import { agentId, frameworkId, offerId, taskId } from './ids.js'
import { inverseOffer } from './inverse-offer.js'
import { filter, offer } from './offer.js'
import { reply } from './reply.js'
import {
  anyOf,
  array,
  boolean,
  type Infer,
  integer,
  object,
  oneOf,
  optional,
  record,
  string,
} from './schema.js'
import { taskInfo, taskStatus } from './task.js'
import { durationMs, resources } from './values.js'

const role = string({ minLength: 1, maxLength: 200 })
const roles = array(role, { maxItems: 100 })

/**
 * What a framework can handle, and is therefore offered: agents with gpus, revocable resources, shared volumes, refined
 * reservations, agents of another region than the master's.
 */
export const capabilities = ['gpu', 'revocable', 'shared', 'refinement', 'region'] as const
export type Capability = (typeof capabilities)[number]

/** By role: agents that do not meet this are not offered in it. */
export const offerConstraints = record(constraintGroups, { maxProperties: 100 })

/** What a framework tells of itself. */
export const frameworkInfo = object({
  frameworkId,
  name: string({ minLength: 1, maxLength: 200 }),
  roles: array(role, { minItems: 1, maxItems: 100 }),
  capabilities: optional(array(oneOf(capabilities))),
  /**
   * The least that an offer must hold, instead of the cluster's own: `cpus:1;mem:512|gpus:1` (`;` is and, `|` is or;
   * the empty text asks for nothing), for all roles or by role.
   */
  minAllocatable: optional(anyOf([string({ maxLength: 1000 }), record(string({ maxLength: 1000 }))])),
  /** How long its tasks outlive its absence; 7 days unless told. */
  failoverTimeoutMs: optional(durationMs),
  hostname: optional(string({ maxLength: 253 })),
  webUrl: optional(string({ maxLength: 2000 })),
})

/** One thing to do with the offers of an accept; operations are done in order. */
export const operation = object({
  kind: oneOf(['launch', 'reserve', 'unreserve', 'create', 'destroy']),
  /** For `launch`. */
  tasks: optional(array(taskInfo, { minItems: 1, maxItems: 1000 })),
  /** For the others: as reserved (`cpus(web,dynamic)`), or as a volume (`disk(web)[data:/data]`). */
  resources: optional(resources),
})

/** What became of one task of an accept: launched, or why not. */
export const launchResult = object({
  taskId,
  ok: boolean(),
  code: optional(errorCode),
  message: optional(string()),
})

/** What became of one operation that is no launch: done, or why not. */
export const operationResult = object({
  kind: oneOf(['reserve', 'unreserve', 'create', 'destroy']),
  ok: boolean(),
  code: optional(errorCode),
  message: optional(string()),
})

/** The answer to `accept`: one entry for each task, and one for each other operation, in order. */
export const accepted = object({ tasks: array(launchResult), operations: optional(array(operationResult)) })

/** Framework to leader; all but `heartbeat`, `acknowledge` and `unsubscribe` are calls. */
export const frameworkToLeader = {
  /** First of each session. A newer session under the same id replaces the older one, which is told so. */
  subscribe: object({
    framework: frameworkInfo,
    suppressedRoles: optional(roles),
    offerConstraints: optional(offerConstraints),
    /** What is wanted, by role; a role that is not named has no demand. */
    demands: optional(array(demand, { maxItems: 100 })),
    /** When this instance of the framework started: the newer one wins. */
    startedAtMs: integer({ minimum: 0 }),
    received,
  }),
  heartbeat: object({ received }),
  /** Other facts about the framework that is subscribed; what is left out is at its default. Offers stand on. */
  update: object({
    framework: frameworkInfo,
    suppressedRoles: optional(roles),
    offerConstraints: optional(offerConstraints),
  }),
  accept: object({
    offerIds: array(offerId, { minItems: 1, maxItems: 1000 }),
    operations: array(operation, { maxItems: 100 }),
    /** Whose offers they are: by this a new leader finds out what became of an accept that the one before had taken. */
    agentId: optional(agentId),
    filter: optional(filter),
    /** All operations and tasks are done, or none is and the offers stand on; else each is done for itself. */
    allOrNothing: optional(boolean()),
    /** Declared in the same moment, so that no offer is made in between. */
    demands: optional(array(demand, { maxItems: 100 })),
  }),
  decline: object({
    offerIds: array(offerId, { minItems: 1, maxItems: 10_000 }),
    filter: optional(filter),
    demands: optional(array(demand, { maxItems: 100 })),
  }),
  /** What is wanted in these roles from now on; see `demand`. */
  demand: object({ demands: array(demand, { minItems: 1, maxItems: 100 }) }),
  /** I shall leave, or I cannot: advice for operators. */
  'answer-inverse-offers': object({
    inverseOfferIds: array(offerId, { minItems: 1, maxItems: 10_000 }),
    answer: oneOf(['accept', 'decline']),
  }),
  /** No offers for these roles, or all, any more. */
  suppress: object({ roles: optional(roles) }),
  unsuppress: object({ roles: optional(roles) }),
  'clear-filters': object({ roles: optional(roles) }),
  /** Unsuppress and clear the filters of these roles, or all. */
  revive: object({ roles: optional(roles) }),
  kill: object({ taskId, agentId: optional(agentId), graceMs: optional(durationMs) }),
  acknowledge: object({ taskId, agentId, sequence: integer({ minimum: 1 }) }),
  /** The states of these tasks come as updates; of all known ones when the list is empty. */
  reconcile: object({ tasks: array(object({ taskId, agentId: optional(agentId) }), { maxItems: 100_000 }) }),
  /** I leave; my offers come back at once, my tasks run on for the failover timeout. Not a call. */
  unsubscribe: object({}),
  /** Kill all my tasks and forget me. */
  teardown: object({}),
}

/** Leader to framework. */
export const leaderToFramework = {
  reply,
  offers: object({ offers: array(offer) }),
  rescind: object({ offerIds: array(offerId), reason: string() }),
  'inverse-offers': object({ inverseOffers: array(inverseOffer) }),
  'rescind-inverse-offers': object({ inverseOfferIds: array(offerId), reason: string() }),
  update: object({
    status: taskStatus,
    /** Of a numbered one: where the updates begin that nobody has acknowledged; absent: with this one. */
    oldest: optional(integer({ minimum: 1 })),
  }),
  /** Answers to a reconciliation, since version 2; to an older framework each comes as an `update`. */
  updates: object({ statuses: array(taskStatus) }),
  /** The end of this session, e.g. because a newer instance has replaced it. */
  failed: object({ code: errorCode, message: string() }),
  /** Subscribe again: something was lost on the way, or the leader does not know this session. */
  resynchronise: object({ reason: string() }),
}

/** The answer to `subscribe`. */
export const subscribed = object({ frameworkId, heartbeatMs: durationMs })

export type FrameworkInfo = Infer<typeof frameworkInfo>
export type LaunchResult = Infer<typeof launchResult>
export type OperationResult = Infer<typeof operationResult>
export type OfferConstraints = Infer<typeof offerConstraints>
export type Accepted = Infer<typeof accepted>
export type Operation = Infer<typeof operation>
export type Subscribed = Infer<typeof subscribed>

/** Long enough for any repair: tasks survive the absence of their scheduler. Mesos' default is 0. */
export const defaultFailoverTimeoutMs = 7 * 24 * 3_600_000
