import { signal } from '@preact/signals'

const tickMs = 250

let offsetMs = 0

/** The leader's time, so that ages are right even where this machine's clock is not. */
export const nowMs = signal(Date.now())

/** Learns the leader's clock from what it has just said. */
export function setLeaderTime(leaderNowMs: number): void {
  offsetMs = leaderNowMs - Date.now()
  nowMs.value = leaderNowMs
}

setInterval(() => {
  if (!document.hidden) nowMs.value = Date.now() + offsetMs
}, tickMs)
