/**
 * Small whole numbers in the order of a comparison. One that changes its place is moved by two binary searches and two
 * copies inside of a typed array, which is what keeps a cycle over ten thousand agents cheap: sorting anew for each
 * would cost a hundred times as much.
 */
export class Order {
  #ids = new Int32Array(16)
  #length = 0
  #isSorted = true
  /** So many at the beginning have been found to be idle, by whoever gave this token. */
  readonly #idle = { count: 0, token: -1 }
  readonly #compare: (a: number, b: number) => number

  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare
  }

  get length(): number {
    return this.#length
  }

  /** The sorted numbers. */
  sorted(): number[] {
    return [...this.places().subarray(0, this.#length)]
  }

  /** The first `length` of these are the sorted numbers; to be read at once, since it is no copy. */
  places(): Int32Array {
    if (!this.#isSorted) this.#sort()
    return this.#ids
  }

  /** So many at the beginning are known to be idle, and need not be looked at again for this token. */
  idleFor(token: number): number {
    if (!this.#isSorted) this.#sort()
    return this.#idle.token === token ? this.#idle.count : 0
  }

  /** The first so many are idle, and will stay so for as long as the token is used. */
  noteIdle(token: number, count: number): void {
    this.#idle.token = token
    this.#idle.count = count
  }

  /** Many keys have changed: sorted anew at the next use. */
  shake(): void {
    this.#isSorted = this.#length < 2
  }

  add(id: number): void {
    if (this.#length === this.#ids.length) {
      const larger = new Int32Array(this.#length * 2)
      larger.set(this.#ids)
      this.#ids = larger
    }
    if (this.#isSorted) this.#insert(id)
    else this.#ids[this.#length++] = id
  }

  remove(id: number): void {
    const index = this.#indexOf(id)
    if (index >= 0) this.#removeAt(index)
  }

  /**
   * Takes one out whose key is about to change; `add` puts it back.
   * @returns whether it was taken out: not when all is to be sorted anyway, or when it is not here
   */
  takeOut(id: number): boolean {
    if (!this.#isSorted) return false
    const index = this.#indexOf(id)
    if (index < 0) return false
    this.#removeAt(index)
    return true
  }

  #insert(id: number): void {
    const at = this.#lowest(id)
    this.#idle.count = Math.min(this.#idle.count, at)
    this.#ids.copyWithin(at + 1, at, this.#length)
    this.#ids[at] = id
    this.#length += 1
  }

  #removeAt(index: number): void {
    if (index < this.#idle.count) this.#idle.count -= 1
    this.#ids.copyWithin(index, index + 1, this.#length)
    this.#length -= 1
  }

  #indexOf(id: number): number {
    if (!this.#isSorted) return this.#ids.subarray(0, this.#length).indexOf(id)
    const at = this.#lowest(id)
    return at < this.#length && this.#ids[at] === id ? at : -1
  }

  /** The first place at which nothing before it is greater: no two keys are equal, for names differ. */
  #lowest(id: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      const there = this.#ids[middle] ?? -1
      if (there !== id && this.#compare(there, id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #sort(): void {
    this.#idle.count = 0
    const ids = this.#ids.subarray(0, this.#length)
    // Most are in their places still: one pass over those is cheaper than a sort of all.
    if (!this.#insertionSort(ids, 4 * ids.length)) ids.sort(this.#compare)
    this.#isSorted = true
  }

  /** @returns false when it took more moves than allowed; then the order is anything, of the same numbers */
  #insertionSort(ids: Int32Array, moves: number): boolean {
    let left = moves
    for (let index = 1; index < ids.length; index++) {
      const id = ids[index] ?? -1
      let at = index - 1
      while (at >= 0 && this.#compare(ids[at] ?? -1, id) > 0) {
        ids[at + 1] = ids[at] ?? -1
        at -= 1
        if (--left < 0) {
          ids[at + 1] = id
          return false
        }
      }
      ids[at + 1] = id
    }
    return true
  }
}
