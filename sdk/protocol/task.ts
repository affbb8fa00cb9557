import { taskStates } from '../values/task-state.js'
import { agentId, frameworkId, taskId } from './ids.js'
import { array, boolean, type Infer, integer, object, oneOf, optional, record, string } from './schema.js'
import { durationMs, labels, resources, timestampMs } from './values.js'

export const portMapping = object({
  containerPort: integer({ minimum: 1, maximum: 65_535 }),
  hostPort: integer({ minimum: 1, maximum: 65_535, description: 'one of the ports in the task resources' }),
  protocol: optional(oneOf(['tcp', 'udp'], { description: 'tcp unless told' })),
  name: optional(string({ maxLength: 63 })),
})

/** How a task runs in a container. Without it, it is a plain process on the agent's host. */
export const container = object({
  image: string({ minLength: 1, maxLength: 500 }),
  forcePull: optional(boolean()),
  network: optional(oneOf(['bridge', 'host', 'none'], { description: 'bridge unless told' })),
  portMappings: optional(array(portMapping, { maxItems: 100 })),
})

/**
 * One unit of work, as a framework asks for it. What runs is either `shell` (given to `/bin/sh -c`), or `args`
 * (a program and its arguments), or, when neither is named, the container image's own command.
 */
export const taskInfo = object({
  taskId,
  name: optional(string({ maxLength: 200 })),
  resources,
  shell: optional(string({ minLength: 1, maxLength: 100_000 })),
  args: optional(array(string({ maxLength: 100_000 }), { minItems: 1, maxItems: 1000 })),
  env: optional(record(string({ maxLength: 100_000 }), { maxProperties: 1000 })),
  container: optional(container),
  labels: optional(labels),
  /** How long a kill waits between asking and ending it; 5 s unless told. */
  killGraceMs: optional(durationMs),
})

export const statusSources = ['master', 'agent'] as const

/** Why a status is what it is, for programs. Mesos' reasons, where there is one, in its words. */
export const statusReasons = [
  'AGENT_DRAINING',
  'AGENT_REMOVED',
  'AGENT_REMOVED_BY_OPERATOR',
  'AGENT_REREGISTERED',
  'AGENT_STOPPED',
  'AGENT_UNREACHABLE',
  'COMMAND_EXITED',
  'COMMAND_NOT_FOUND',
  'CONTAINER_LAUNCH_FAILED',
  'CONTAINER_LIMITATION_MEMORY',
  'CONTAINER_LOST',
  'FRAMEWORK_REMOVED',
  'IMAGE_NOT_FOUND',
  'IMAGE_PULL_FAILED',
  'INVALID_OFFERS',
  'KILLED_BY_FRAMEWORK',
  'PORT_TAKEN',
  'RECONCILIATION',
  'TASK_INVALID',
  'TASK_KILLED_DURING_LAUNCH',
  'TASK_UNKNOWN',
] as const

/** A report on a task. */
export const taskStatus = object({
  frameworkId,
  taskId,
  agentId: optional(agentId),
  state: oneOf(taskStates),
  /** Numbered per task from 1 by the agent. Absent: the master says so by itself, and nothing is to be acknowledged. */
  sequence: optional(integer({ minimum: 1 })),
  timestampMs,
  source: oneOf(statusSources),
  reason: optional(oneOf(statusReasons)),
  message: optional(string({ maxLength: 10_000 })),
  exitCode: optional(integer()),
  ipAddress: optional(string({ maxLength: 100 })),
})

export type PortMapping = Infer<typeof portMapping>
export type Container = Infer<typeof container>
export type TaskInfo = Infer<typeof taskInfo>
export type TaskStatus = Infer<typeof taskStatus>
export type StatusReason = (typeof statusReasons)[number]

/** A grace of a kill when neither task nor kill names one. Mesos' and Docker's are 3 s and 10 s. */
export const defaultKillGraceMs = 5_000
