import { kindOf, type Resources, sizeOf } from '@tender/sdk/values'
import type { Minimum } from './types.js'

/** Resource names as small whole numbers, so that amounts by name can be plain arrays. They are never forgotten. */
export class Names {
  readonly #ids = new Map<string, number>()
  readonly names: string[] = []

  get size(): number {
    return this.names.length
  }

  id(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    this.#ids.set(name, this.names.length)
    return this.names.push(name) - 1
  }

  name(id: number): string {
    return this.names[id] ?? ''
  }
}

/** Whole thousandths by name; a name that is not there yet counts as 0. Ranges and sets count their members. */
export type Amounts = number[]

/** Amounts by name, all of which must be there. */
type Alternative = readonly (readonly [id: number, least: number])[]

/** The sums that the allocator needs of an amount of resources, made once for each. */
export interface Vector {
  /** Whose numbers of names these are. */
  readonly owner: Vectors
  /** Scalars of all kinds but shared volumes, which are counted apart. */
  readonly scalars: Amounts
  /** Scalars that nobody has reserved and nobody may take back: what quotas are about. */
  readonly unreserved: Amounts
  /** All there is, ranges and sets too; shared volumes excepted. */
  readonly all: Amounts
  readonly hasShared: boolean
  /** Nothing is reserved, revocable, shared or a mount: whoever may have it may have all of it. */
  readonly isPlain: boolean
}

/** Makes vectors. A `Resources` never changes, so that its vector is made once and goes with it. */
export class Vectors {
  readonly names: Names
  readonly #minima = new WeakMap<Minimum, readonly Alternative[]>()

  constructor(names: Names) {
    this.names = names
  }

  of(resources: Resources): Vector {
    const known = resources.derived as Vector | undefined
    if (known?.owner === this) return known
    const vector = this.#make(resources)
    resources.derived = vector
    return vector
  }

  /** Minima come again for each agent and claimant: their names are looked up once. */
  ofMinimum(minimum: Minimum): readonly Alternative[] {
    let alternatives = this.#minima.get(minimum)
    if (!alternatives) {
      alternatives = minimum.map(all =>
        [...all].map(([name, least]) => [this.names.id(name), least] as const),
      )
      this.#minima.set(minimum, alternatives)
    }
    return alternatives
  }

  #make(resources: Resources): Vector {
    const vector = {
      owner: this,
      scalars: [] as Amounts,
      unreserved: [] as Amounts,
      all: [] as Amounts,
      hasShared: false,
      isPlain: true,
    }
    for (const [key, value] of resources.entries()) {
      const kind = kindOf(key)
      if (kind.isShared) {
        vector.hasShared = true
        vector.isPlain = false
        continue
      }
      const id = this.names.id(kind.name)
      const isScalar = value.kind === 'scalar' || value.kind === 'pieces'
      const amount = sizeOf(value)
      bump(vector.all, id, amount)
      if (isScalar) bump(vector.scalars, id, amount)
      if (kind.reservation || kind.isRevocable || kind.isMount) vector.isPlain = false
      if (isScalar && !kind.reservation && !kind.isRevocable) bump(vector.unreserved, id, amount)
    }
    return vector
  }
}

export function bump(amounts: Amounts, id: number, by: number): void {
  while (amounts.length <= id) amounts.push(0)
  amounts[id] = (amounts[id] ?? 0) + by
}

/** Adds `more`, `times` over; -1 takes it away. */
export function addTo(amounts: Amounts, more: Amounts, times: 1 | -1): void {
  while (amounts.length < more.length) amounts.push(0)
  for (let id = 0; id < more.length; id++) amounts[id] = (amounts[id] ?? 0) + times * (more[id] ?? 0)
}

export function amountOf(amounts: Amounts, id: number): number {
  return amounts[id] ?? 0
}
