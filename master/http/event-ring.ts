/** The last so many items, numbered from 1. What is older than that is forgotten. */
export class EventRing<T> {
  readonly #capacity: number
  readonly #items: T[] = []
  #last = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The number of the newest item; 0 when there has been none. */
  get last(): number {
    return this.#last
  }

  push(item: T): number {
    this.#last += 1
    this.#items[this.#last % this.#capacity] = item
    return this.#last
  }

  /** Whether all that came after this number is still here. */
  holdsAfter(number: number): boolean {
    return number >= 0 && number <= this.#last && number >= this.#last - this.#capacity
  }

  /** Up to `limit` items that came after this number, oldest first. Only for numbers that `holdsAfter` affirms. */
  after(number: number, limit: number): T[] {
    const count = Math.min(limit, this.#last - number)
    return Array.from(
      { length: count },
      (_, index) => this.#items[(number + 1 + index) % this.#capacity] as T,
    )
  }
}
