import type { Millis } from '@tender/sdk'

/** How long an app has to wait after failures. Kept in memory only: a restarted framework tries at once. */
export interface Backoff {
  /** Failures in a row, each soon after its start. */
  readonly failures: number
  /** Nothing is launched before. */
  readonly untilMs: Millis
}

export interface BackoffSettings {
  readonly backoffSeconds: number
  readonly backoffFactor: number
  readonly maxLaunchDelaySeconds: number
}

export const noBackoff: Backoff = { failures: 0, untilMs: 0 }

/** An instance that has run so long was well: its end says nothing about the next one's start. */
export const provenAfterMs = 10_000

/**
 * The wait after a failure. What had proven itself is replaced at once and clears the count; so is the first that
 * fails. From the second failure in a row on: backoffSeconds, times backoffFactor for each further one, at most
 * maxLaunchDelaySeconds.
 */
export function afterFailure(
  backoff: Backoff,
  settings: BackoffSettings,
  { ranMs, now }: { readonly ranMs: number; readonly now: Millis },
): Backoff {
  if (ranMs >= provenAfterMs) return noBackoff
  const failures = backoff.failures + 1
  return { failures, untilMs: now + delayMs(failures, settings) }
}

function delayMs(failures: number, settings: BackoffSettings): number {
  if (failures < 2) return 0
  const seconds = settings.backoffSeconds * settings.backoffFactor ** (failures - 2)
  return Math.round(Math.min(seconds, settings.maxLaunchDelaySeconds) * 1000)
}
