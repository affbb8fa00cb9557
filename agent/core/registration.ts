import type { Millis } from '@tender/sdk/runtime'

const firstMs = 250
const longestMs = 5_000

/** The call by which an agent registers: when it is sent, and sent again until it is answered. */
export class Registration {
  #count = 0
  #dueMs = 0
  /** 0 before it was sent. */
  #waitMs = 0

  /** Identifies the answer. Differs at each registration, so that a late answer to an earlier one is known as such. */
  get call(): string {
    return `register-${this.#count}`
  }

  /** Whether nobody has answered in time. */
  get isRepeated(): boolean {
    return this.#waitMs > firstMs
  }

  /** A new one, to be sent from `dueMs` on. */
  begin(dueMs: Millis): void {
    this.#count += 1
    this.#dueMs = dueMs
    this.#waitMs = 0
  }

  /** Whether it is to be sent now; it waits for the answer then, twice as long each time. */
  isDue(now: Millis): boolean {
    if (now < this.#dueMs) return false
    this.#waitMs = this.#waitMs === 0 ? firstMs : Math.min(this.#waitMs * 2, longestMs)
    this.#dueMs = now + this.#waitMs
    return true
  }
}
