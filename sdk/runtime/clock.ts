/** Milliseconds since 1970, or since the start of a simulation. */
export type Millis = number

/** Stops a timer that has not fired yet; harmless afterwards. */
export type CancelTimer = () => void

/** Time is given, never fetched: shells hold a clock, cores get `now` with each input. */
export interface Clock {
  now(): Millis
  /** Calls once after `delayMs`. The timer does not keep a process alive. */
  setTimer(delayMs: number, callback: () => void): CancelTimer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
