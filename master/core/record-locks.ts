import type { Turn } from './turn.js'

/** A change that has the records that it reads and writes, or waits for them. */
interface Claim {
  readonly names: ReadonlySet<string>
  readonly start: (turn: Turn) => void
  /** Grows with each claim. */
  readonly number: number
}

/**
 * Records that are being written, and the changes that wait for them. A change is decided on what the one before it has
 * left, not on what was there before that was stored: else the later write would undo the earlier one.
 *
 * Each record has a queue, whose first has it; a change starts when it is the first of all its queues. So nobody overtakes
 * those that wait for the same, and what others wait for costs nothing: ten thousand agents may register at once.
 */
export class RecordLocks {
  readonly #queues = new Map<string, Claim[]>()
  #lastNumber = 0

  /** Whether these are nobody's, so that they are the caller's now; else `start` is kept until they are. */
  take(names: readonly string[], start: (turn: Turn) => void): boolean {
    const claim: Claim = { names: new Set(names), start, number: ++this.#lastNumber }
    for (const name of claim.names) {
      const queue = this.#queues.get(name)
      if (queue) queue.push(claim)
      else this.#queues.set(name, [claim])
    }
    return this.#isFirst(claim)
  }

  /** @returns what has waited for these and can start now, the oldest first; its records are locked */
  release(names: readonly string[]): Claim[] {
    const next = new Set<Claim>()
    for (const name of new Set(names)) {
      const queue = this.#queues.get(name)
      queue?.shift()
      const [first] = queue ?? []
      if (first) next.add(first)
      else this.#queues.delete(name)
    }
    return [...next].filter(claim => this.#isFirst(claim)).toSorted((a, b) => a.number - b.number)
  }

  #isFirst(claim: Claim): boolean {
    for (const name of claim.names) if (this.#queues.get(name)?.[0] !== claim) return false
    return true
  }
}
