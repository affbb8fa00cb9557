import type { Millis } from '@tender/sdk/runtime'

/** So many in a row are left out at most: a heartbeat also tells what has come from the leader, which finds losses by it. */
const mostLeftOut = 2

/**
 * When an agent is to be heard of. Whatever it says counts, so one that reports about its tasks needs no heartbeat
 * besides; but each third one is sent.
 */
export class Heartbeat {
  #toldMs: Millis
  #intervalMs: Millis
  #dueMs = 0
  #leftOut = 0
  /** When something else was last said, since the last heartbeat that was sent or left out. */
  #spokeAtMs: Millis | undefined

  constructor(intervalMs: Millis) {
    this.#toldMs = intervalMs
    this.#intervalMs = intervalMs
  }

  /** The agent has registered, and was told its interval. */
  begin(intervalMs: Millis, now: Millis): void {
    this.#toldMs = intervalMs
    this.#intervalMs = intervalMs
    this.sent(now)
  }

  /** The leader asks for another interval than it told at the registration; or for that one again, when undefined. */
  adapt(intervalMs: Millis | undefined, now: Millis): void {
    this.#intervalMs = intervalMs ?? this.#toldMs
    this.#dueMs = Math.min(this.#dueMs, now + this.#intervalMs)
  }

  spoke(now: Millis): void {
    this.#spokeAtMs = now
  }

  /** Whether one is to be sent; `mustSpeak` when it has more to tell than that the agent lives. */
  isDue(now: Millis, mustSpeak: boolean): boolean {
    if (now < this.#dueMs) return false
    if (this.#spokeAtMs === undefined || this.#leftOut === mostLeftOut || mustSpeak) return true
    this.#leftOut += 1
    this.#dueMs = this.#spokeAtMs + this.#intervalMs
    this.#spokeAtMs = undefined
    return this.isDue(now, mustSpeak)
  }

  sent(now: Millis): void {
    this.#leftOut = 0
    this.#spokeAtMs = undefined
    this.#dueMs = now + this.#intervalMs
  }
}
