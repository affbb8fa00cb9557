import type { Millis } from '@tender/sdk/runtime'
import type { Resources } from '@tender/sdk/values'
import TinyQueue from 'tinyqueue'

/** When filters end that were made together. */
export interface FilterEnd {
  readonly expiresAtMs: Millis
  /** The number of the cycle (or tick) after which they were made: one more has to pass before they may end. */
  readonly madeAt: number
  readonly filters: Filter[]
}

/** What a framework has refused of an agent in a role. There may be a million of them: two numbers and two references. */
export interface Filter {
  readonly claimant: number
  readonly agent: number
  readonly refused: Resources
  /** Undefined: it has ended. */
  end: FilterEnd | undefined
}

/**
 * The filters of one agent. A filter stops an offer that is a subset of what was refused: a larger offer is news, and
 * goes through (Mesos' rule). Whose filters refuse what is free now is kept as a set of bits, so that an agent that
 * thousands have refused is passed over at a bit for each.
 */
export class Filters {
  /** Mostly one each. */
  readonly #byClaimant = new Map<number, Filter | readonly Filter[]>()
  #refusedNow: Resources | undefined
  #bits = new Uint32Array(0)
  #marked = 0

  get isEmpty(): boolean {
    return this.#byClaimant.size === 0
  }

  /** How many are known to refuse what was asked about last. */
  get refuserCount(): number {
    return this.#marked
  }

  add(filter: Filter): void {
    const others = this.of(filter.claimant)
    this.#byClaimant.set(filter.claimant, others.length === 0 ? filter : [filter, ...others])
    if (this.#refusedNow && filter.refused.contains(this.#refusedNow)) this.#mark(filter.claimant)
  }

  /** All that a claimant has refused here, the newest first. */
  of(claimant: number): readonly Filter[] {
    const known = this.#byClaimant.get(claimant)
    return known === undefined ? none : isList(known) ? known : [known]
  }

  /** Ends one. */
  end(filter: Filter): void {
    filter.end = undefined
    this.#unmark(filter.claimant)
    const rest = this.of(filter.claimant).filter(other => other !== filter)
    const [only] = rest
    if (only === undefined) this.#byClaimant.delete(filter.claimant)
    else this.#byClaimant.set(filter.claimant, rest.length === 1 ? only : rest)
  }

  /** Ends all of a claimant. @returns how many there were */
  endOf(claimant: number): number {
    const filters = this.of(claimant)
    for (const filter of filters) filter.end = undefined
    this.#byClaimant.delete(claimant)
    this.#unmark(claimant)
    return filters.length
  }

  /** Ends all, and says whose they were, as often as each had some. */
  endAll(): number[] {
    const claimants: number[] = []
    for (const claimant of [...this.#byClaimant.keys()]) {
      for (const filter of this.of(claimant)) {
        filter.end = undefined
        claimants.push(claimant)
      }
    }
    this.#byClaimant.clear()
    this.#refusedNow = undefined
    this.#forget()
    return claimants
  }

  /** The bits of those of whom it is known that they refuse just this; undefined: nothing is known. */
  refusersOf(offered: Resources): Uint32Array | undefined {
    if (offered !== this.#refusedNow) {
      if (!this.#refusedNow?.equals(offered)) return undefined
      this.#refusedNow = offered
    }
    return this.#bits
  }

  refuses(claimant: number, offered: Resources): boolean {
    if (this.#byClaimant.size === 0) return false
    if (offered !== this.#refusedNow) {
      if (!this.#refusedNow?.equals(offered)) this.#forget()
      this.#refusedNow = offered
    } else if (isMarked(this.#bits, claimant)) return true
    const known = this.#byClaimant.get(claimant)
    if (known === undefined) return false
    const isRefused = isList(known)
      ? known.some(filter => filter.refused.contains(offered))
      : known.refused.contains(offered)
    if (isRefused) this.#mark(claimant)
    return isRefused
  }

  #forget(): void {
    this.#bits.fill(0)
    this.#marked = 0
  }

  #mark(claimant: number): void {
    const word = claimant >>> 5
    if (word >= this.#bits.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#bits.length * 2))
      larger.set(this.#bits)
      this.#bits = larger
    }
    if (isMarked(this.#bits, claimant)) return
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (claimant & 31))
    this.#marked += 1
  }

  #unmark(claimant: number): void {
    if (!isMarked(this.#bits, claimant)) return
    const word = claimant >>> 5
    this.#bits[word] = (this.#bits[word] ?? 0) & ~(1 << (claimant & 31))
    this.#marked -= 1
  }
}

const none: readonly Filter[] = []

function isList(known: Filter | readonly Filter[]): known is readonly Filter[] {
  return Array.isArray(known)
}

/** Whether a number is in a set of bits. */
export function isMarked(bits: Uint32Array, id: number): boolean {
  const word = id >>> 5
  return word < bits.length && ((bits[word] as number) & (1 << (id & 31))) !== 0
}

/** Filters by the time at which they end. Those that are made together, as by one great decline, take one place. */
export class FilterEnds {
  readonly #ends = new TinyQueue<FilterEnd>([], (a, b) => a.expiresAtMs - b.expiresAtMs)
  #last: FilterEnd | undefined
  #count = 0
  #over = 0

  /** Where a filter that ends then has its place. */
  at(expiresAtMs: Millis, madeAt: number): FilterEnd {
    if (this.#last?.expiresAtMs !== expiresAtMs || this.#last.madeAt !== madeAt) {
      this.#last = { expiresAtMs, madeAt, filters: [] }
      this.#ends.push(this.#last)
    }
    return this.#last
  }

  add(filter: Filter): void {
    filter.end?.filters.push(filter)
    this.#count += 1
  }

  /** So many have been ended before their time. They are forgotten when they are the most. */
  ended(count: number): void {
    this.#over += count
    if (this.#over < 1_000 || this.#over * 2 < this.#count) return
    const kept: FilterEnd[] = []
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) {
      const filters = end.filters.filter(filter => filter.end !== undefined)
      end.filters.length = 0
      for (const filter of filters) end.filters.push(filter)
      if (filters.length > 0) kept.push(end)
    }
    for (const end of kept) this.#ends.push(end)
    this.#last = undefined
    this.#count = kept.reduce((sum, end) => sum + end.filters.length, 0)
    this.#over = 0
  }

  nextMs(): Millis | undefined {
    for (let end = this.#ends.peek(); end; end = this.#ends.peek()) {
      if (end.filters.some(filter => filter.end !== undefined)) return end.expiresAtMs
      this.#drop()
    }
    return undefined
  }

  /** Those whose time is over, the earliest first; they are no longer kept here. */
  take(now: Millis): Filter[] {
    const taken: Filter[] = []
    for (let end = this.#ends.peek(); end && end.expiresAtMs <= now; end = this.#ends.peek()) {
      for (const filter of end.filters) if (filter.end) taken.push(filter)
      this.#drop()
    }
    return taken
  }

  #drop(): void {
    const end = this.#ends.pop()
    if (end === this.#last) this.#last = undefined
    this.#count -= end?.filters.length ?? 0
    for (const filter of end?.filters ?? []) if (!filter.end) this.#over -= 1
  }
}
