import type { Millis } from '@tender/sdk/runtime'
import type { Timeline } from './timeline.js'

/** When virtual time begins, as clocks show it. */
const epochMs = 1_700_000_000_000

/**
 * The clock of one place. It runs a little too fast or too slow, and is set wrong or right by its administrators;
 * within one life of a process its time only goes forward, as `systemClock` does it: a clock that is set shows at the
 * next start.
 */
export class ProcessClock {
  readonly #timeline: Timeline
  #offsetMs = 0
  #nextOffsetMs = 0
  #rate = 1
  #sinceMs = 0

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  now(): Millis {
    const { now } = this.#timeline
    return Math.floor(epochMs + now + this.#offsetMs + (now - this.#sinceMs) * (this.#rate - 1))
  }

  /** Set wrong by so much: seen by the next life. */
  set(offsetMs: number): void {
    this.#nextOffsetMs = offsetMs
  }

  drift(rate: number): void {
    this.#offsetMs += (this.#timeline.now - this.#sinceMs) * (this.#rate - 1)
    this.#sinceMs = this.#timeline.now
    this.#rate = rate
  }

  /** A new life begins. */
  restart(): void {
    this.#offsetMs = this.#nextOffsetMs
    this.#sinceMs = this.#timeline.now
  }
}
