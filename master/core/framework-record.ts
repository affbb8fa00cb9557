import type { FrameworkInfo } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { type FrameworkRecord, recordVersion, type RegistryRecord } from '../registry/records.js'
import type { CompletedFramework, Framework } from './state.js'

type Recorded = Pick<
  Framework,
  'info' | 'subscribedAtMs' | 'endedSubscribedAtMs' | 'startedAtMs' | 'disconnectedAtMs'
>

/** A framework as the registry keeps it. */
export function frameworkRecord({
  info,
  subscribedAtMs,
  endedSubscribedAtMs,
  startedAtMs,
  disconnectedAtMs,
}: Recorded): FrameworkRecord {
  return {
    v: recordVersion,
    framework: info,
    subscribedAtMs,
    ...(endedSubscribedAtMs === undefined ? {} : { endedSubscribedAtMs }),
    startedAtMs,
    ...(disconnectedAtMs === undefined ? {} : { disconnectedAtMs }),
  }
}

export function completedRecord({ reason, ...framework }: CompletedFramework): FrameworkRecord {
  const { completedAtMs } = framework
  return {
    ...frameworkRecord({ ...framework, endedSubscribedAtMs: undefined, disconnectedAtMs: undefined }),
    completedAtMs,
    completedReason: reason,
  }
}

export function writeFramework(value: FrameworkRecord): RegistryRecord {
  return { kind: 'framework', id: value.framework.frameworkId, value }
}

/** As the registry knows it, before it has been heard of. */
export function recoverFramework(record: FrameworkRecord, now: Millis): Framework {
  const {
    framework: info,
    subscribedAtMs,
    endedSubscribedAtMs,
    startedAtMs = 0,
    disconnectedAtMs = now,
  } = record
  const absent = absentFramework(info, subscribedAtMs, now)
  return { ...absent, endedSubscribedAtMs, startedAtMs, disconnectedAtMs, record }
}

export function recoverCompleted(record: FrameworkRecord): CompletedFramework | undefined {
  const { framework: info, subscribedAtMs, startedAtMs = 0, completedAtMs, completedReason = '' } = record
  if (completedAtMs === undefined) return undefined
  return { info, subscribedAtMs, startedAtMs, completedAtMs, reason: completedReason }
}

/** One that is known, and has not been heard of. */
export function absentFramework(info: FrameworkInfo, subscribedAtMs: Millis, now: Millis): Framework {
  return {
    frameworkId: info.frameworkId,
    info,
    state: 'disconnected',
    session: '',
    startedAtMs: 0,
    link: undefined,
    subscribedAtMs,
    endedSubscribedAtMs: undefined,
    heardAtMs: now,
    disconnectedAtMs: now,
    suppressedRoles: new Set(),
    offerConstraints: {},
    replies: new Map(),
    openCalls: new Set(),
    subscribeCall: undefined,
    record: undefined,
    endAgainAtMs: 0,
  }
}
