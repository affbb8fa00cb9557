import type { Millis, TaskStatus } from '@tender/sdk'
import type { InstanceRecord } from './records.js'

/** An instance after a report of it; the same record if that says nothing new. */
export function afterStatus(instance: InstanceRecord, status: TaskStatus, now: Millis): InstanceRecord {
  const { state, ipAddress = instance.ipAddress } = status
  const startedAtMs = instance.startedAtMs ?? (state === 'RUNNING' ? status.timestampMs : undefined)
  const isSame = state === instance.state && ipAddress === instance.ipAddress
  if (isSame && startedAtMs === instance.startedAtMs) return instance
  return {
    ...instance,
    state,
    stateSinceMs: state === instance.state ? instance.stateSinceMs : now,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(ipAddress === undefined ? {} : { ipAddress }),
  }
}
