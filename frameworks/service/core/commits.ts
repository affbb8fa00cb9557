import type { Command } from './commands.js'
import type { Write } from './records.js'

/** Write-ahead: holds back the commands that depend on something being stored until it is. */
export class Commits {
  readonly #held = new Map<number, readonly Command[]>()
  #last = 0

  /** Stores, and then does what follows from it. */
  store(writes: readonly Write[], then: readonly Command[] = []): Command {
    const commit = ++this.#last
    this.#held.set(commit, then)
    return { kind: 'store', commit, writes }
  }

  /** What may be done now. A second report of the same commit releases nothing. */
  stored(commit: number): readonly Command[] {
    const released = this.#held.get(commit) ?? []
    this.#held.delete(commit)
    return released
  }
}
