import type { CancelTimer, Clock, Millis } from '../runtime/clock.js'

interface Timer {
  readonly dueMs: Millis
  readonly number: number
  readonly callback: () => void
}

/**
 * Time that stands still until it is moved. Timers fire in the order of their due times, those due at one instant in
 * the order in which they were set.
 *
 * @example
 * const clock = new VirtualClock()
 * clock.setTimer(1_000, () => console.log('a second has passed'))
 * await clock.advance(1_000)
 */
export class VirtualClock implements Clock {
  #nowMs: Millis
  #timers: Timer[] = []
  #lastNumber = 0

  constructor(startMs: Millis = 0) {
    this.#nowMs = startMs
  }

  now(): Millis {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), number: ++this.#lastNumber, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Moves time by `ms`, firing all that is due on the way, the end included, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#nowMs = next.dueMs
      next.callback()
      await settle()
    }
    this.#nowMs = endMs
  }

  #next(endMs: Millis): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue
      if (!next || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.number < next.number))
        next = timer
    }
    return next
  }
}

/** Lets everything that was already decided happen: promises and the queues that hang on them. */
export async function settle(): Promise<void> {
  await new Promise<void>(resolve => setImmediate(resolve))
}
