import type { Millis } from '@tender/sdk'
import type { AppState } from './app-state.js'
import type { Command } from './commands.js'

/** Says to the leader whether offers are wanted, and only when that changes or grows. */
export class Demand {
  /** Apps that miss instances. */
  readonly #waiting = new Set<AppState>()
  /** Whether the leader has been told; undefined: it may have forgotten. */
  #wantsOffers: boolean | undefined

  get waiting(): ReadonlySet<AppState> {
    return this.#waiting
  }

  /** Apps that may launch now, whoever waits longest first. */
  due(now: Millis): AppState[] {
    return [...this.#waiting]
      .filter(state => now >= state.backoff.untilMs)
      .toSorted((a, b) => a.missingSinceMs - b.missingSinceMs || (a.record.id < b.record.id ? -1 : 1))
  }

  set(state: AppState, missing: number, now: Millis): void {
    if (state.missing === 0 && missing > 0) state.missingSinceMs = now
    state.missing = missing
    state.askedFor = Math.min(state.askedFor, missing)
    if (missing > 0) {
      this.#waiting.add(state)
    } else {
      this.#waiting.delete(state)
      state.shortage = undefined
    }
  }

  /** After a new subscription all is to be said again. */
  forget(states: readonly AppState[]): void {
    this.#wantsOffers = undefined
    for (const state of states) state.askedFor = 0
  }

  /**
   * Revives when more is wanted than was asked for before: that also ends the filters of earlier declines. Suppresses
   * when nothing is wanted, or all that is wanted has to wait for its backoff.
   */
  commands(now: Millis): Command[] {
    let isGrown = false
    let isAny = false
    for (const state of this.#waiting) {
      if (now < state.backoff.untilMs) {
        state.askedFor = 0
        continue
      }
      isAny = true
      isGrown ||= state.missing > state.askedFor
      state.askedFor = state.missing
    }
    if (isGrown) {
      this.#wantsOffers = true
      return [{ kind: 'revive' }]
    }
    if (isAny || this.#wantsOffers === false) return []
    this.#wantsOffers = false
    return [{ kind: 'suppress' }]
  }
}
