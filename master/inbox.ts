/** So long at most are timers, the lease and other connections kept waiting. */
const mostMs = 10

/**
 * What has come and is handled in its order, for a few milliseconds in each turn of the event loop. When ten thousand
 * agents register, the client would hand over all that is there in one turn, and the answer to the renewal of the lease
 * would stand behind it.
 */
export class Inbox<T> {
  readonly #handle: (item: T) => void
  #waiting: T[] = []
  #position = 0
  /** When the work of this turn began; undefined: there was none yet. */
  #begunMs: number | undefined

  constructor(handle: (item: T) => void) {
    this.#handle = handle
  }

  /** Handles it at once when nothing waits and there is time for it. */
  take(item: T): void {
    if (this.#begunMs === undefined) this.#begin()
    if (this.#hasTime && this.#position === this.#waiting.length) this.#handle(item)
    else this.#waiting.push(item)
  }

  #begin(): void {
    this.#begunMs = performance.now()
    setImmediate(() => this.#endTurn())
  }

  get #hasTime(): boolean {
    return performance.now() - (this.#begunMs ?? 0) < mostMs
  }

  #endTurn(): void {
    this.#begunMs = undefined
    if (this.#position === this.#waiting.length) return
    this.#begin()
    while (this.#position < this.#waiting.length && this.#hasTime) {
      const item = this.#waiting[this.#position] as T
      this.#position += 1
      this.#handle(item)
    }
    if (this.#position < this.#waiting.length) return
    this.#waiting = []
    this.#position = 0
  }
}
