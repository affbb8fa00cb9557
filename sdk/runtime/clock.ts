/** Milliseconds since 1970, or since the start of a simulation. */
export type Millis = number

/** Stops a timer that has not fired yet; harmless afterwards. */
export type CancelTimer = () => void

/** Time is given, never fetched: shells hold a clock, cores get `now` with each input. */
export interface Clock {
  /** Never less than it was before. */
  now(): Millis
  /** Calls once after `delayMs`. The timer does not keep a process alive. */
  setTimer(delayMs: number, callback: () => void): CancelTimer
}

/** How much of its pace a steady clock gives up while it waits for a host's clock that was set back. */
const waitShare = 0.1

/**
 * The host's time, without its steps back: when somebody sets the host's clock back, this one goes on a little slower until
 * the other has caught up, so that no deadline moves away. Steps forward are followed at once, like a long pause.
 *
 * @param wall the host's clock, in milliseconds since 1970
 * @param monotonic milliseconds since any moment; never set
 */
export function steadyTime(wall: () => number, monotonic: () => number): () => Millis {
  let [lastMs, lastMonotonicMs] = [wall(), monotonic()]
  return () => {
    const monotonicMs = monotonic()
    const passedMs = monotonicMs - lastMonotonicMs
    lastMonotonicMs = monotonicMs
    lastMs = Math.max(wall(), lastMs + passedMs * (1 - waitShare))
    return Math.round(lastMs)
  }
}

export const systemClock: Clock = {
  now: steadyTime(
    () => Date.now(),
    () => performance.now(),
  ),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
