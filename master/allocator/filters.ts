import type { Millis } from '@tender/sdk/runtime'
import type { Resources } from '@tender/sdk/values'
import TinyQueue from 'tinyqueue'

/** What a framework has refused of an agent in a role. */
export interface Filter {
  readonly claimant: number
  readonly agent: number
  readonly refused: Resources
  readonly expiresAtMs: Millis
  /** The number of the cycle (or tick) that had to pass before it may end. */
  readonly madeAt: number
  isOver: boolean
  /** An older one of the same claimant. */
  next: Filter | undefined
}

/**
 * The filters of one agent. A filter stops an offer that is a subset of what was refused: a larger offer is news, and
 * goes through (Mesos' rule). Whose filters refuse what is free now is kept as a set of bits, so that an agent that
 * thousands have refused is passed over at a bit for each.
 */
export class Filters {
  readonly #byClaimant = new Map<number, Filter>()
  #refusedNow: Resources | undefined
  #bits = new Uint32Array(0)

  get size(): number {
    return this.#byClaimant.size
  }

  add(filter: Filter): void {
    filter.next = this.#byClaimant.get(filter.claimant)
    this.#byClaimant.set(filter.claimant, filter)
    if (this.#refusedNow && filter.refused.contains(this.#refusedNow)) this.#mark(filter.claimant)
  }

  /** All that a claimant has refused here. */
  of(claimant: number): Filter[] {
    const filters: Filter[] = []
    for (let filter = this.#byClaimant.get(claimant); filter; filter = filter.next) filters.push(filter)
    return filters
  }

  /** Ends one. */
  end(filter: Filter): void {
    filter.isOver = true
    this.#unmark(filter.claimant)
    let rest: Filter | undefined
    for (const other of this.of(filter.claimant).toReversed()) {
      if (other.isOver) continue
      other.next = rest
      rest = other
    }
    if (rest) this.#byClaimant.set(filter.claimant, rest)
    else this.#byClaimant.delete(filter.claimant)
  }

  /** Ends all of a claimant. @returns how many there were */
  endOf(claimant: number): number {
    const filters = this.of(claimant)
    for (const filter of filters) filter.isOver = true
    this.#byClaimant.delete(claimant)
    this.#unmark(claimant)
    return filters.length
  }

  /** Ends all, and says whose they were, as often as each had some. */
  endAll(): number[] {
    const claimants: number[] = []
    for (const claimant of [...this.#byClaimant.keys()]) {
      for (const filter of this.of(claimant)) {
        filter.isOver = true
        claimants.push(claimant)
      }
    }
    this.#byClaimant.clear()
    this.#refusedNow = undefined
    return claimants
  }

  refuses(claimant: number, offered: Resources): boolean {
    if (this.#byClaimant.size === 0) return false
    if (offered !== this.#refusedNow) {
      if (!this.#refusedNow?.equals(offered)) this.#bits.fill(0)
      this.#refusedNow = offered
    } else if (this.#isMarked(claimant)) return true
    for (let filter = this.#byClaimant.get(claimant); filter; filter = filter.next) {
      if (filter.refused.contains(offered)) {
        this.#mark(claimant)
        return true
      }
    }
    return false
  }

  #isMarked(claimant: number): boolean {
    return ((this.#bits[claimant >>> 5] ?? 0) & (1 << (claimant & 31))) !== 0
  }

  #mark(claimant: number): void {
    const word = claimant >>> 5
    if (word >= this.#bits.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#bits.length * 2))
      larger.set(this.#bits)
      this.#bits = larger
    }
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (claimant & 31))
  }

  #unmark(claimant: number): void {
    const word = claimant >>> 5
    if (word < this.#bits.length) this.#bits[word] = (this.#bits[word] ?? 0) & ~(1 << (claimant & 31))
  }
}

/** Filters by the time at which they end. Those that end together, as after one great decline, take one place. */
export class FilterEnds {
  readonly #byTime = new Map<Millis, Filter[]>()
  readonly #times = new TinyQueue<Millis>()
  #count = 0
  #over = 0

  add(filter: Filter): void {
    const together = this.#byTime.get(filter.expiresAtMs)
    if (together) together.push(filter)
    else {
      this.#byTime.set(filter.expiresAtMs, [filter])
      this.#times.push(filter.expiresAtMs)
    }
    this.#count += 1
  }

  /** So many have been ended before their time. They are forgotten when they are the most. */
  ended(count: number): void {
    this.#over += count
    if (this.#over < 1_000 || this.#over * 2 < this.#count) return
    const kept = [...this.#byTime.values()].flat().filter(filter => !filter.isOver)
    this.#byTime.clear()
    while (this.#times.length > 0) this.#times.pop()
    this.#count = 0
    this.#over = 0
    for (const filter of kept) this.add(filter)
  }

  nextMs(): Millis | undefined {
    for (let time = this.#times.peek(); time !== undefined; time = this.#times.peek()) {
      if (this.#byTime.get(time)?.some(filter => !filter.isOver)) return time
      this.#drop(time)
    }
    return undefined
  }

  /** Those whose time is over, the earliest first; they are no longer kept here. */
  take(now: Millis): Filter[] {
    const taken: Filter[] = []
    for (let time = this.#times.peek(); time !== undefined && time <= now; time = this.#times.peek()) {
      for (const filter of this.#byTime.get(time) ?? []) if (!filter.isOver) taken.push(filter)
      this.#drop(time)
    }
    return taken
  }

  #drop(time: Millis): void {
    const filters = this.#byTime.get(time) ?? []
    this.#count -= filters.length
    for (const filter of filters) if (filter.isOver) this.#over -= 1
    this.#byTime.delete(time)
    this.#times.pop()
  }
}
