import { taskStates } from '../values/task-state.js'
import { received } from './envelope.js'
import { agentId, frameworkId, taskId } from './ids.js'
import { reply } from './reply.js'
import { anything, array, boolean, type Infer, integer, object, oneOf, optional, string } from './schema.js'
import { taskInfo, taskStatus } from './task.js'
import { attributes, durationMs, labels, resources, timestampMs } from './values.js'

/** Where an agent stands: what fails together. */
export const domain = object({
  region: string({ minLength: 1, maxLength: 200 }),
  zone: string({ minLength: 1, maxLength: 200 }),
})

/** What an agent tells of itself. */
export const agentInfo = object({
  agentId,
  hostname: string({ minLength: 1, maxLength: 253 }),
  /** All that there is, reservations and volumes included. */
  resources,
  /** Counts the leader's changes to the reservations and volumes in `resources`; 0 while there was none. */
  resourcesRevision: optional(integer({ minimum: 0 })),
  attributes,
  domain: optional(domain),
  containerizers: array(oneOf(['docker', 'process'])),
  version: string({ maxLength: 40 }),
})

/** Whether an agent can run what it offers; while it cannot, nothing of it is offered, and its tasks stay as they are. */
export const agentHealth = object({
  ok: boolean(),
  /** A sentence for people, when it is not ok: `the docker engine does not answer: …` */
  reason: optional(string({ maxLength: 1000 })),
})

/** A task that an agent finds running, or left over, without knowing it: its record was lost or damaged. */
export const orphan = object({ frameworkId, taskId })

/** A task as its agent knows it. */
export const agentTask = object({
  frameworkId,
  taskId,
  role: string(),
  name: optional(string({ maxLength: 200 })),
  resources,
  labels: optional(labels),
  state: oneOf(taskStates),
  launchedAtMs: timestampMs,
  /** As it came with the launch. */
  frameworkSince: optional(timestampMs),
  /** The status that `state` comes from; absent while there is none. */
  status: optional(taskStatus),
})

/** Agent to leader. */
export const agentToLeader = {
  /** First of each session: who I am, and all that I run. A call; answered by `registered`. */
  register: object({
    agent: agentInfo,
    tasks: array(agentTask),
    /** What is there and belongs to no task: removed when the answer says so. */
    orphans: optional(array(orphan)),
    /** Absent: it is well. */
    health: optional(agentHealth),
    /** Greater at each start of this agent, as its checkpoint knows: of two that use one id, the newer one counts. */
    starts: optional(integer({ minimum: 1 })),
    received,
  }),
  /** Absent health: it is well. Sent at once when that changes. */
  heartbeat: object({ received, health: optional(agentHealth) }),
  /** Resent with backoff until `acknowledge` comes back. */
  update: object({
    status: taskStatus,
    /** The number of the first update of the task that is not acknowledged; absent: it is this one. */
    oldest: optional(integer({ minimum: 1 })),
  }),
  reply,
}

/** Leader to agent. */
export const leaderToAgent = {
  reply,
  /** A call; the answer says that the task is checkpointed, the updates say the rest. Safe to repeat. */
  launch: object({
    frameworkId,
    role: string(),
    task: taskInfo,
    /** When its framework first subscribed: tells its tasks from those of an ended framework of the same id. */
    frameworkSince: optional(timestampMs),
  }),
  /** A call. For a task that is not there (any more) it is remembered, so that it wins over a launch that comes later. */
  kill: object({ frameworkId, taskId, graceMs: optional(durationMs) }),
  /**
   * A call: reservations and volumes have changed. The agent keeps the new total, and answers when it is on its disk;
   * an older revision than it has changes nothing.
   */
  'set-resources': object({ resources, resourcesRevision: integer({ minimum: 1 }) }),
  /** The framework has taken this update: it need not be kept or resent. */
  acknowledge: object({ frameworkId, taskId, sequence: integer({ minimum: 1 }) }),
  /** A call, answered by `logChunk`. A negative offset counts from the end. */
  'read-log': object({
    frameworkId,
    taskId,
    stream: oneOf(['stdout', 'stderr']),
    offset: integer(),
    maxBytes: integer({ minimum: 1, maximum: 512 * 1024 }),
  }),
  /** Register again, with the whole list of tasks: something was lost on the way. */
  resynchronise: object({ reason: string() }),
}

/** The answer to `register`. */
export const registered = object({
  heartbeatMs: durationMs,
  /** Of the orphans that were named: nobody waits for them, they are to be ended and removed. */
  removeOrphans: optional(array(orphan)),
})

/** The answer to `read-log`: bytes from `offset`, of a log that is `size` bytes long by now. */
export const logChunk = object({
  offset: integer({ minimum: 0 }),
  size: integer({ minimum: 0 }),
  data: anything({ description: 'bytes' }),
  /** Whether the task has ended, so that nothing will be added. */
  ended: boolean(),
})

export type Domain = Infer<typeof domain>
export type AgentInfo = Infer<typeof agentInfo>
export type AgentHealth = Infer<typeof agentHealth>
export type Orphan = Infer<typeof orphan>
export type AgentTask = Infer<typeof agentTask>
export type Registered = Infer<typeof registered>
export type LogChunk = Omit<Infer<typeof logChunk>, 'data'> & { readonly data: Uint8Array }
