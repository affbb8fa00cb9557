import { received } from './envelope.js'
import { errorCode } from './errors.js'
import { agentId, frameworkId, offerId, taskId } from './ids.js'
import { filter, offer } from './offer.js'
import { reply } from './reply.js'
import { array, boolean, type Infer, integer, object, oneOf, optional, string } from './schema.js'
import { taskInfo, taskStatus } from './task.js'
import { durationMs } from './values.js'

const role = string({ minLength: 1, maxLength: 200 })
const roles = array(role, { maxItems: 100 })

/** What a framework tells of itself. */
export const frameworkInfo = object({
  frameworkId,
  name: string({ minLength: 1, maxLength: 200 }),
  roles: array(role, { minItems: 1, maxItems: 100 }),
  capabilities: optional(array(oneOf(['gpu', 'revocable', 'shared', 'refinement', 'region']))),
  /** How long its tasks outlive its absence; 7 days unless told. */
  failoverTimeoutMs: optional(durationMs),
  hostname: optional(string({ maxLength: 253 })),
  webUrl: optional(string({ maxLength: 2000 })),
})

/** One thing to do with the offers of an accept; operations are done in order. */
export const operation = object({
  kind: oneOf(['launch']),
  tasks: array(taskInfo, { minItems: 1, maxItems: 1000 }),
})

/** What became of one task of an accept: launched, or why not. */
export const launchResult = object({
  taskId,
  ok: boolean(),
  code: optional(errorCode),
  message: optional(string()),
})

/** The answer to `accept`: one entry for each task, in order. */
export const accepted = object({ tasks: array(launchResult) })

/** Framework to leader; all but `heartbeat`, `acknowledge` and `unsubscribe` are calls. */
export const frameworkToLeader = {
  /** First of each session. A newer session under the same id replaces the older one, which is told so. */
  subscribe: object({
    framework: frameworkInfo,
    suppressedRoles: optional(roles),
    /** When this instance of the framework started: the newer one wins. */
    startedAtMs: integer({ minimum: 0 }),
    received,
  }),
  heartbeat: object({ received }),
  accept: object({
    offerIds: array(offerId, { minItems: 1, maxItems: 1000 }),
    operations: array(operation, { maxItems: 100 }),
    filter: optional(filter),
  }),
  decline: object({ offerIds: array(offerId, { minItems: 1, maxItems: 10_000 }), filter: optional(filter) }),
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
  update: object({ status: taskStatus }),
  /** The end of this session, e.g. because a newer instance has replaced it. */
  failed: object({ code: errorCode, message: string() }),
  /** Subscribe again: something was lost on the way, or the leader does not know this session. */
  resynchronise: object({ reason: string() }),
}

/** The answer to `subscribe`. */
export const subscribed = object({ frameworkId, heartbeatMs: durationMs })

export type FrameworkInfo = Infer<typeof frameworkInfo>
export type LaunchResult = Infer<typeof launchResult>
export type Accepted = Infer<typeof accepted>
export type Operation = Infer<typeof operation>
export type Subscribed = Infer<typeof subscribed>

/** Long enough for any repair: tasks survive the absence of their scheduler. Mesos' default is 0. */
export const defaultFailoverTimeoutMs = 7 * 24 * 3_600_000
