import { setTimeout as delay } from 'node:timers/promises'

const firstMs = 50
const longestMs = 5_000

/** Waits longer after each failure. Resolves early, and quietly, when `signal` is aborted. */
export async function backoff(failures: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(firstMs * 2 ** Math.min(failures, 10), longestMs)
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
