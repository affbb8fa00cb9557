import type { Millis, TaskState } from '@tender/sdk'
import { type App, normalise } from '../definition/index.js'
import { type Backoff, noBackoff } from './backoff.js'
import type { AppRecord, InstanceRecord } from './records.js'
import type { Shortage } from './shortage.js'

/** The last instance that ended without having been told to. */
export interface TaskFailure {
  readonly taskId: string
  readonly state: TaskState
  readonly message: string
  readonly hostname: string
  readonly agentId: string
  readonly version: string
  readonly atMs: Millis
}

/** All that the core knows of one app. */
export class AppState {
  record: AppRecord
  app: App
  /** In the order in which they were made. */
  readonly instances = new Map<string, InstanceRecord>()
  backoff: Backoff = noBackoff
  lastFailure: TaskFailure | undefined
  /** When the leader last refused a launch for a reason that passes. */
  refusedAtMs: Millis = 0
  /** Why the last offers did not do. */
  shortage: Shortage | undefined
  /** How many instances are to be launched, as far as offers and backoff allow. */
  missing = 0
  /** Since when some have been missing without a break. */
  missingSinceMs: Millis = 0
  /** For how many of them offers have been asked for. */
  askedFor = 0
  /** Since the last change, everything has once been as wanted. */
  isDeployed = false
  /** The cluster has no room for one more than wanted: a rolling replacement ends an old one first. */
  isTight = false

  constructor(record: AppRecord, role: string) {
    this.record = record
    this.app = normalise(record.definition, role)
  }

  change(record: AppRecord, role: string): void {
    this.record = record
    this.app = normalise(record.definition, role)
  }

  /** Whether instances of an earlier configuration are to be replaced. */
  get isReplacing(): boolean {
    return [...this.instances.values()].some(each => each.goal === 'run' && isOutdated(each, this.record))
  }

  /** How many instances are wanted. */
  get wanted(): number {
    return this.record.isDeleted ? 0 : this.app.instances
  }
}

export function isOutdated(instance: InstanceRecord, record: AppRecord): boolean {
  return instance.version < record.lastConfigChangeAt
}

export function isRunning(instance: InstanceRecord): boolean {
  return instance.state === 'RUNNING'
}
