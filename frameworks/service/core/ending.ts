import type { ErrorCode, Millis, TaskState, TaskStatus } from '@tender/sdk'
import type { AppState } from './app-state.js'
import { afterFailure, type Backoff } from './backoff.js'
import type { InstanceRecord } from './records.js'

/** Ends that say something about the app itself. A lost agent, or an order to kill, does not. */
const growsBackoff: readonly TaskState[] = ['FAILED', 'FINISHED', 'ERROR', 'DROPPED']

/** The offer or the agent had gone, not the app's fault: the next offer will do. */
const passingRefusals: readonly (string | undefined)[] = [
  'invalid-offer',
  'stale-offer',
  'agent-unavailable',
  'not-subscribed',
  'not-leader',
  'stale-epoch',
  'registry-unavailable',
  'replaced',
] satisfies ErrorCode[]

/** A task has ended. If nobody wanted that, it is remembered, and counts for the backoff. */
export function endWithStatus(
  state: AppState,
  instance: InstanceRecord,
  status: TaskStatus,
  now: Millis,
): void {
  if (instance.goal === 'stop') return
  remember(state, instance, { state: status.state, message: messageOf(status), now })
  if (!growsBackoff.includes(status.state)) return
  const ranMs = instance.startedAtMs === undefined ? 0 : status.timestampMs - instance.startedAtMs
  state.backoff = afterFailure(state.backoff, state.app, { ranMs, now })
}

/** A launch was refused by the leader: the task never was. */
export function endWithoutLaunch(
  state: AppState,
  instance: InstanceRecord,
  { code, message }: { readonly code?: string; readonly message?: string },
  now: Millis,
): void {
  if (instance.goal === 'stop') return
  if (passingRefusals.includes(code)) {
    state.backoff = afterPassingRefusal(state, now)
    state.refusedAtMs = now
    return
  }
  remember(state, instance, { state: 'ERROR', message: message ?? `refused: ${code}`, now })
  state.backoff = afterFailure(state.backoff, state.app, { ranMs: 0, now })
}

/** The first is followed by the next attempt at once; after that not more than one a second. */
function afterPassingRefusal({ backoff, refusedAtMs }: AppState, now: Millis): Backoff {
  const isRepeated = refusedAtMs !== now && now - refusedAtMs < 1_000
  return isRepeated ? { ...backoff, untilMs: Math.max(backoff.untilMs, refusedAtMs + 1_000) } : backoff
}

function messageOf({ message, reason, exitCode, state }: TaskStatus): string {
  if (message === undefined && state === 'GONE') return 'its agent is gone, or has no such task any more'
  return message ?? reason ?? (exitCode === undefined ? 'without a reason' : `exit code ${exitCode}`)
}

function remember(
  state: AppState,
  { taskId, hostname, agentId, version }: InstanceRecord,
  end: { readonly state: TaskState; readonly message: string; readonly now: Millis },
): void {
  const { now, ...what } = end
  state.lastFailure = { taskId, hostname, agentId, version, atMs: now, ...what }
}
