import type { Millis } from '@tender/sdk/runtime'
import { steadyTime } from '#sdk/runtime/clock.js'
import type { Timeline } from './timeline.js'

/** When virtual time begins, as clocks show it. */
const epochMs = 1_700_000_000_000

/**
 * The clock of one place. It runs a little too fast or too slow, and its administrators set it wrong or right; a process
 * reads it as `systemClock` does.
 */
export class ProcessClock {
  readonly #timeline: Timeline
  #offsetMs = 0
  #rate = 1
  #sinceMs = 0
  #read: () => Millis

  constructor(timeline: Timeline) {
    this.#timeline = timeline
    this.#read = this.#steady()
  }

  now(): Millis {
    return this.#read()
  }

  set(offsetMs: number): void {
    this.#offsetMs = offsetMs
    this.#sinceMs = this.#timeline.now
  }

  drift(rate: number): void {
    this.#offsetMs += this.#drifted()
    this.#sinceMs = this.#timeline.now
    this.#rate = rate
  }

  /** A new life begins, which has not seen what the clock has shown before. */
  restart(): void {
    this.#read = this.#steady()
  }

  #steady(): () => Millis {
    return steadyTime(
      () => epochMs + this.#timeline.now + this.#offsetMs + this.#drifted(),
      () => this.#timeline.now,
    )
  }

  #drifted(): number {
    return (this.#timeline.now - this.#sinceMs) * (this.#rate - 1)
  }
}
