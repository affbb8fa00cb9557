import type { Millis } from '@tender/sdk'
import { type AppState, isOutdated, isRunning } from './app-state.js'
import { describeShortage } from './shortage.js'

/** Why an app is not as it should be, for programs. */
export type WaitingCode =
  | 'disconnected'
  | 'backoff'
  | 'no-offers'
  | 'insufficient-resources'
  | 'starting'
  | 'unreachable'
  | 'stopping'

export interface Waiting {
  readonly code: WaitingCode
  readonly message: string
  readonly sinceMs: Millis
}

/** Whether the leader is there, and since when (not). */
export interface Connection {
  readonly isConnected: boolean
  readonly reason: string
  readonly sinceMs: Millis
}

/** The reason why not exactly the wanted instances run, in their present version; undefined when they do. */
export function waitingOf(state: AppState, connection: Connection, now: Millis): Waiting | undefined {
  if (state.missing > 0) return whyMissing(state, connection, now)
  return whyNotRunning(state) ?? whyStopping(state)
}

function whyMissing(state: AppState, connection: Connection, now: Millis): Waiting {
  const { backoff, lastFailure, missing, shortage } = state
  const missingText = `${missing} of ${state.wanted} ${missing === 1 ? 'is' : 'are'} to be started`
  if (now < backoff.untilMs) {
    const seconds = ((backoff.untilMs - now) / 1000).toFixed(1)
    const last = lastFailure ? `: ${lastFailure.taskId} ${lastFailure.state}, ${lastFailure.message}` : ''
    return {
      code: 'backoff',
      message:
        backoff.failures > 0
          ? `waits ${seconds} s after ${backoff.failures} failures in a row${last}`
          : `tries again in ${seconds} s: the leader has not taken the last launch`,
      sinceMs: lastFailure?.atMs ?? now,
    }
  }
  if (!connection.isConnected) {
    return {
      code: 'disconnected',
      message: `${missingText}, but there is no leading master: ${connection.reason}`,
      sinceMs: connection.sinceMs,
    }
  }
  if (shortage) {
    return {
      code: 'insufficient-resources',
      message: `${missingText}, but ${describeShortage(shortage)}`,
      sinceMs: shortage.sinceMs,
    }
  }
  return {
    code: 'no-offers',
    message: `${missingText}, but no agent's resources have been offered yet`,
    sinceMs: state.missingSinceMs,
  }
}

function whyNotRunning(state: AppState): Waiting | undefined {
  const idle = [...state.instances.values()].filter(
    instance => instance.goal === 'run' && !isRunning(instance),
  )
  const unreachable = idle.find(({ state: each }) => each === 'UNREACHABLE' || each === 'UNKNOWN')
  const first = idle[0]
  if (!first) return undefined
  if (unreachable) {
    return {
      code: 'unreachable',
      message: `${unreachable.taskId} is ${unreachable.state} on agent ${unreachable.agentId} (${unreachable.hostname}), and is waited for`,
      sinceMs: unreachable.stateSinceMs,
    }
  }
  return {
    code: 'starting',
    message: `${idle.length} of ${state.wanted} still starting: ${first.taskId} is ${first.state} on agent ${first.agentId} (${first.hostname})`,
    sinceMs: first.stagedAtMs,
  }
}

function whyStopping({ instances, record }: AppState): Waiting | undefined {
  const leaving = [...instances.values()].filter(
    instance => instance.goal === 'stop' || isOutdated(instance, record),
  )
  const first = leaving[0]
  if (!first) return undefined
  return {
    code: 'stopping',
    message: `${leaving.length} no longer wanted still there: ${first.taskId} is ${first.state}`,
    sinceMs: first.stateSinceMs,
  }
}
