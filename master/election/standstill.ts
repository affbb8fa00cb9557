import type { Clock, Millis } from '@tender/sdk/runtime'

/**
 * Holds a leader's work back after its process has stood still (SIGSTOP, a suspended machine, a long collection of
 * garbage) for so long that its lease may have ended, until the lease has been looked at: another master may lead
 * meanwhile.
 */
export class Standstill {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #check: () => Promise<void>
  #lastMs: Millis
  #held: (() => void)[] | undefined

  /** @param check looks at the lease; resolves also when the store does not answer, since that deposes nobody */
  constructor(options: { clock: Clock; leaseMs: number; check: () => Promise<void> }) {
    this.#clock = options.clock
    this.#leaseMs = options.leaseMs
    this.#check = options.check
    this.#lastMs = this.#clock.now()
  }

  /**
   * To be asked before each piece of work, and several times a lease at least.
   *
   * @returns true when the work is held back; it is done, in its order, when the lease has been looked at
   */
  holds(work: () => void): boolean {
    const now = this.#clock.now()
    // The lease was up to a quarter old when the standstill began.
    const stoodStill = now - this.#lastMs >= this.#leaseMs / 2
    this.#lastMs = now
    if (this.#held) {
      this.#held.push(work)
      return true
    }
    if (!stoodStill) return false
    this.#held = [work]
    void this.#goOnAfterCheck()
    return true
  }

  async #goOnAfterCheck(): Promise<void> {
    await this.#check()
    const held = this.#held ?? []
    this.#held = undefined
    this.#lastMs = this.#clock.now()
    for (const work of held) work()
  }
}
