/**
 * Draws by lot, reproducibly (splitmix32: a small generator with a state of one number).
 * The weighted shuffle orders by rand^(1/weight), the largest first (Efraimidis and Spirakis, 2006), as Mesos does it.
 */
export class Lot {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  shuffle<T>(items: readonly T[], weight: (item: T) => number): T[] {
    return items
      .map(item => ({ item, key: this.next() ** (1 / weight(item)) }))
      .toSorted((a, b) => b.key - a.key)
      .map(({ item }) => item)
  }
}
