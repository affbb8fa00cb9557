import TinyQueue from 'tinyqueue'

interface Event {
  readonly atMs: number
  readonly order: number
  readonly act: () => void
}

/** Virtual time: one queue of what is to happen, first by time, then in the order in which it was planned. */
export class Timeline {
  readonly #queue = new TinyQueue<Event>([], (a, b) => a.atMs - b.atMs || a.order - b.order)
  #planned = 0
  #now = 0
  /** How many things have happened. */
  steps = 0

  /** Milliseconds since the beginning; no process sees it, each has a clock of its own. */
  get now(): number {
    return this.#now
  }

  at(atMs: number, act: () => void): void {
    this.#queue.push({ atMs: Math.max(atMs, this.#now), order: ++this.#planned, act })
  }

  after(delayMs: number, act: () => void): void {
    this.at(this.#now + delayMs, act)
  }

  /** When what is being done now is over, at the same instant. */
  soon(act: () => void): void {
    this.at(this.#now, act)
  }

  /** Lets everything happen that is due until then. */
  runUntil(untilMs: number): void {
    for (let next = this.#queue.peek(); next && next.atMs <= untilMs; next = this.#queue.peek()) {
      this.#queue.pop()
      this.#now = next.atMs
      this.steps++
      next.act()
    }
    this.#now = untilMs
  }
}
