import type { Turn } from './turn.js'

/** A change that waits for the records that it reads and writes. */
interface Waiting {
  readonly names: readonly string[]
  readonly start: (turn: Turn) => void
}

/**
 * Records that are being written, and the changes that wait for them. A change is decided on what the one before it has
 * left, not on what was there before that was stored: else the later write would undo the earlier one.
 */
export class RecordLocks {
  readonly #locked = new Set<string>()
  #waiting: Waiting[] = []

  /** Whether these are nobody's, so that they are the caller's now; else `start` is kept until they are. */
  take(names: readonly string[], start: (turn: Turn) => void): boolean {
    const isFree = this.#isFree(names, this.#waiting)
    if (isFree) for (const name of names) this.#locked.add(name)
    else this.#waiting.push({ names, start })
    return isFree
  }

  /** @returns what has waited for these and can start now, the oldest first; its records are locked */
  release(names: readonly string[]): Waiting[] {
    for (const name of names) this.#locked.delete(name)
    if (this.#waiting.length === 0) return []
    const ready: Waiting[] = []
    const still: Waiting[] = []
    for (const each of this.#waiting) {
      if (!this.#isFree(each.names, still)) still.push(each)
      else {
        for (const name of each.names) this.#locked.add(name)
        ready.push(each)
      }
    }
    this.#waiting = still
    return ready
  }

  /** Nobody overtakes those that wait for the same. */
  #isFree(names: readonly string[], waiting: readonly Waiting[]): boolean {
    if (names.some(name => this.#locked.has(name))) return false
    return !waiting.some(other => other.names.some(name => names.includes(name)))
  }
}
