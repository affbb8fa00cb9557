import { SeededRandom } from '@tender/sdk/testing'

/**
 * Chance for one concern of one seed. Each concern has a stream of its own, so that a fault that is left out of a run
 * does not change what happens elsewhere in it.
 */
export class Chance {
  readonly #random: SeededRandom

  constructor(seed: number, concern: string) {
    this.#random = new SeededRandom(hash(`${seed}/${concern}`))
  }

  /** From 0 (included) to 1 (excluded). */
  next(): number {
    return this.#random.next()
  }

  is(probability: number): boolean {
    return this.#random.next() < probability
  }

  /** Both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.#random.next() * (to - from + 1))
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from')
    return list[Math.floor(this.#random.next() * list.length)] as T
  }
}

/** FNV-1a, with a last mix so that neighbouring texts give unlike streams. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  return (state ^ (state >>> 13)) >>> 0
}
