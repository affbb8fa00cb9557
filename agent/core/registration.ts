import type { Millis } from '@tender/sdk/runtime'

const leastFirstMs = 250
const longestMs = 5_000
/**
 * While so many agents register that they are spread over a time, the leader is busy for several times as long: to ask again
 * before that would only make it longer.
 */
const patience = 5

/** The call by which an agent registers: when it is sent, and sent again until it is answered. */
export class Registration {
  #count = 0
  #dueMs = 0
  #sent = 0
  #waitMs = leastFirstMs

  /** Identifies the answer. Differs at each registration, so that a late answer to an earlier one is known as such. */
  get call(): string {
    return `register-${this.#count}`
  }

  /** Whether nobody has answered in time. */
  get isRepeated(): boolean {
    return this.#sent > 1
  }

  /** A new one, to be sent from `dueMs` on, at a time when all agents spread themselves over `withinMs`. */
  begin(dueMs: Millis, withinMs: Millis): void {
    this.#count += 1
    this.#dueMs = dueMs
    this.#sent = 0
    this.#waitMs = Math.min(Math.max(leastFirstMs, withinMs * patience), longestMs)
  }

  /** Whether it is to be sent now; it waits for the answer then, twice as long each time. */
  isDue(now: Millis): boolean {
    if (now < this.#dueMs) return false
    if (this.#sent > 0) this.#waitMs = Math.min(this.#waitMs * 2, longestMs)
    this.#sent += 1
    this.#dueMs = now + this.#waitMs
    return true
  }
}
