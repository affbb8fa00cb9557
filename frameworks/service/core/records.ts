import type { AgentId, Millis, TaskId, TaskState } from '@tender/sdk'
import type { AppDefinition } from '../definition/index.js'

/** What is stored of an app. Versions are times in ISO 8601, each later than the one before. */
export interface AppRecord {
  readonly id: string
  /** As it was written: defaults are filled in when it is read, so that partial updates stay possible. */
  readonly definition: AppDefinition
  readonly version: string
  /** The version that last changed what a task is. Instances of an earlier version are replaced. */
  readonly lastConfigChangeAt: string
  readonly lastScalingAt: string
  /** Names the last change, for clients that wait until it is done. */
  readonly deploymentId: string
  /** Its instances are being ended; then it is forgotten. */
  readonly isDeleted: boolean
}

/** What is stored of an instance, from before its task is launched until that has ended. */
export interface InstanceRecord {
  readonly taskId: TaskId
  readonly appId: string
  /** The app's version that it was made of. */
  readonly version: string
  readonly agentId: AgentId
  readonly hostname: string
  /** Ports of the host, one for each port of the app, in its order. */
  readonly hostPorts: readonly number[]
  /** What is wanted of it. It never goes back from `stop` to `run`. */
  readonly goal: 'run' | 'stop'
  /** As last reported; STAGING until something is. */
  readonly state: TaskState
  readonly stateSinceMs: Millis
  readonly stagedAtMs: Millis
  /** When it was first reported as RUNNING. */
  readonly startedAtMs?: Millis
  readonly ipAddress?: string
}

/** One change of the store. */
export type Write =
  | { readonly kind: 'put-app'; readonly app: AppRecord }
  | { readonly kind: 'remove-app'; readonly appId: string }
  | { readonly kind: 'put-instance'; readonly instance: InstanceRecord }
  | { readonly kind: 'remove-instance'; readonly taskId: TaskId }
