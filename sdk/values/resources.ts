import * as Range from './ranges.js'
import type { Ranges } from './ranges.js'
import { keyOf, kindOf, type ResourceKind } from './resource-kind.js'
import { parseResources } from './resources-text.js'
import type { Quantities } from './quantities.js'
import { fromThousandths, type Thousandths, toThousandths } from './quantity.js'

/** The amount of one kind of resource. */
export type ResourceValue =
  | { readonly kind: 'scalar'; readonly thousandths: Thousandths }
  | { readonly kind: 'ranges'; readonly ranges: Ranges }
  | { readonly kind: 'set'; readonly items: readonly string[] }
  /** Amounts that are given whole or not at all, such as disks of their own; ascending. */
  | { readonly kind: 'pieces'; readonly pieces: readonly Thousandths[] }

/**
 * Resources as they stand in messages and in JSON: `{ cpus: 1.5, mem: 1024, ports: [[31000, 31009]] }`. Keys may be
 * qualified (`ResourceKind`): `{ 'cpus(web)': 2, 'disk{mount}': [100, 100] }`.
 */
export type WireResources = Record<string, number | (readonly [number, number])[] | string[] | number[]>

/**
 * An exact, immutable amount of resources of one agent. Scalars are whole thousandths, ports and the like are ranges,
 * and a zero is the same as nothing. What is reserved, revocable, or a volume stands under a key of its own
 * (`ResourceKind`). The text form is `cpus:1.5;cpus(web):2;mem:1024;ports:[31000-31009]`.
 *
 * @example
 * const free = Resources.parse('cpus:4;mem:8192').minus(Resources.parse('cpus:0.5;mem:128'))
 * free.toString() // 'cpus:3.5;mem:8064'
 */
export class Resources {
  static readonly none = new Resources(new Map())

  readonly #values: ReadonlyMap<string, ResourceValue>

  /**
   * A place for something that somebody has computed of this amount and needs again and again: an amount never changes,
   * and a look here is cheaper than one into a table. Whoever writes it says in it that it is theirs.
   * @internal
   */
  derived: unknown = undefined

  private constructor(values: ReadonlyMap<string, ResourceValue>) {
    this.#values = values
  }

  /**
   * From values by key, in any order; those of one kind add up, zeros and empty sets are left out.
   * @throws ResourceKeyError when a key is none
   * @throws TypeError when a scalar is negative or not whole thousandths: that is a bug of the caller
   */
  static of(values: Iterable<readonly [string, ResourceValue]>): Resources {
    const sum = new Map<string, ResourceValue>()
    for (const [key, value] of values) {
      checkValue(key, value)
      if (!isNothing(value)) sum.set(key, add(key, sum.get(key), value))
    }
    return Resources.inOrder([...sum])
  }

  private static inOrder(entries: [string, ResourceValue][]): Resources {
    if (entries.length === 0) return Resources.none ?? new Resources(new Map())
    return new Resources(new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))))
  }

  /**
   * Reads the text form.
   * @throws ResourcesTextError naming the position and the rule
   */
  static parse(text: string): Resources {
    return Resources.of(parseResources(text))
  }

  /**
   * Reads the form used in messages, after its schema has been checked.
   * @throws RangeError when a key is none, a scalar is out of bounds, or a range's end is before its begin
   */
  static fromWire(wire: WireResources): Resources {
    return Resources.of(Object.entries(wire).map(([key, value]) => valueFromWire(key, value)))
  }

  static sum(all: Iterable<Resources>): Resources {
    let only = Resources.none
    let sum: Map<string, ResourceValue> | undefined
    for (const resources of all) {
      if (resources.isEmpty) continue
      if (only.isEmpty) only = resources
      else {
        sum ??= new Map(only.#values)
        for (const [key, value] of resources.#values) sum.set(key, add(key, sum.get(key), value))
      }
    }
    return sum ? Resources.inOrder([...sum]) : only
  }

  get isEmpty(): boolean {
    return this === Resources.none
  }

  /** Names in ascending order, whatever the kinds. */
  names(): string[] {
    return [...new Set(this.keys().map(key => kindOf(key).name))]
  }

  /** Keys in ascending order. */
  keys(): string[] {
    return [...this.#values.keys()]
  }

  /** Keys and amounts, in ascending order of the keys. */
  entries(): IterableIterator<[string, ResourceValue]> {
    return this.#values.entries()
  }

  /** The amount under one key, such as `cpus` (what is not reserved) or `cpus(web)`. */
  get(key: string): ResourceValue | undefined {
    return this.#values.get(key)
  }

  /** The amount of a scalar in thousandths, all kinds of it together; 0 when there is none. */
  thousandths(name: string): Thousandths {
    let sum = 0
    for (const [key, value] of this.#values) {
      if (kindOf(key).name !== name) continue
      if (value.kind === 'scalar') sum += value.thousandths
      else if (value.kind === 'pieces') sum += total(value.pieces)
    }
    return sum
  }

  /** The amount of a scalar as a decimal number, all kinds of it together; 0 when there is none. */
  scalar(name: string): number {
    return fromThousandths(this.thousandths(name))
  }

  /** The ranges of a resource such as `ports`, all kinds of it together; empty when there are none. */
  ranges(name: string): Ranges {
    let union: Ranges = []
    for (const [key, value] of this.#values) {
      if (value.kind === 'ranges' && kindOf(key).name === name) union = Range.union(union, value.ranges)
    }
    return union
  }

  /** How much there is of each name, all kinds together; of ranges and sets the number of their members. */
  quantities(): Quantities {
    const sums = new Map<string, Thousandths>()
    for (const [key, value] of this.#values) {
      const { name } = kindOf(key)
      sums.set(name, (sums.get(name) ?? 0) + sizeOf(value))
    }
    return sums
  }

  plus(other: Resources): Resources {
    if (other.isEmpty) return this
    if (this.isEmpty) return other
    const sum = new Map(this.#values)
    let isNew = false
    for (const [key, value] of other.#values) {
      const mine = sum.get(key)
      isNew ||= mine === undefined
      sum.set(key, add(key, mine, value))
    }
    return isNew ? Resources.inOrder([...sum]) : new Resources(sum)
  }

  /** @throws RangeError when `other` is not contained in this: below zero is a bug, never a number */
  minus(other: Resources): Resources {
    if (other.isEmpty) return this
    if (other === this) return Resources.none
    if (!this.contains(other)) throw new RangeError(`${String(other)} is not contained in ${String(this)}`)
    return this.without(other, subtract)
  }

  /** What is left of this without `other`, which may be more than there is: never below zero. */
  except(other: Resources): Resources {
    if (other === this) return Resources.none
    return other.isEmpty ? this : this.without(other, exceptValue)
  }

  private without(
    other: Resources,
    less: (mine: ResourceValue, other: ResourceValue) => ResourceValue,
  ): Resources {
    const rest = new Map(this.#values)
    for (const [key, value] of other.#values) {
      const mine = rest.get(key)
      if (!mine) continue
      const left = less(mine, value)
      if (isNothing(left)) rest.delete(key)
      else rest.set(key, left)
    }
    return rest.size === 0 ? Resources.none : new Resources(rest)
  }

  /** What is of the kinds that are wanted. */
  only(isWanted: (kind: ResourceKind) => boolean): Resources {
    const kept = [...this.#values].filter(([key]) => isWanted(kindOf(key)))
    if (kept.length === this.#values.size) return this
    return kept.length === 0 ? Resources.none : new Resources(new Map(kept))
  }

  /** Whether all of `other` is in this, kind by kind and port by port. */
  contains(other: Resources): boolean {
    if (other === this) return true
    for (const [key, value] of other.#values) {
      const mine = this.#values.get(key)
      if (!mine || !containsValue(mine, value)) return false
    }
    return true
  }

  equals(other: Resources): boolean {
    if (other === this) return true
    return this.#values.size === other.#values.size && this.contains(other) && other.contains(this)
  }

  toWire(): WireResources {
    const wire: WireResources = {}
    for (const [key, value] of this.#values) wire[key] = valueToWire(value)
    return wire
  }

  toString(): string {
    return [...this.#values]
      .flatMap(([key, value]) => valueToTexts(value).map(text => `${key}:${text}`))
      .join(';')
  }

  /** JSON is the form used in messages. */
  toJSON(): WireResources {
    return this.toWire()
  }
}

function checkValue(key: string, value: ResourceValue): void {
  const { isMount } = kindOf(key)
  const amounts = value.kind === 'scalar' ? [value.thousandths] : value.kind === 'pieces' ? value.pieces : []
  for (const thousandths of amounts) {
    if (!Number.isSafeInteger(thousandths) || thousandths < 0)
      throw new TypeError(`${key} must be whole thousandths of 0 or more, got ${thousandths}`)
  }
  if (isMount !== (value.kind === 'pieces'))
    throw new TypeError(`${key} must be ${isMount ? 'pieces' : 'no pieces'}, got a ${value.kind}`)
}

function isNothing(value: ResourceValue): boolean {
  switch (value.kind) {
    case 'scalar':
      return value.thousandths === 0
    case 'ranges':
      return value.ranges.length === 0
    case 'set':
      return value.items.length === 0
    case 'pieces':
      return value.pieces.length === 0
  }
}

function total(pieces: readonly Thousandths[]): Thousandths {
  return pieces.reduce((sum, piece) => sum + piece, 0)
}

function inOrder(pieces: readonly Thousandths[]): Thousandths[] {
  return pieces.toSorted((one, other) => one - other)
}

/** How much it is, in thousandths; a port or a name counts as one. */
export function sizeOf(value: ResourceValue): Thousandths {
  switch (value.kind) {
    case 'scalar':
      return value.thousandths
    case 'ranges':
      return Range.count(value.ranges) * 1000
    case 'set':
      return value.items.length * 1000
    case 'pieces':
      return total(value.pieces)
  }
}

function add(key: string, a: ResourceValue | undefined, b: ResourceValue): ResourceValue {
  if (!a) return b.kind === 'pieces' ? { kind: 'pieces', pieces: inOrder(b.pieces) } : b
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths + b.thousandths }
  }
  if (a.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: Range.union(a.ranges, b.ranges) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', items: [...new Set([...a.items, ...b.items])].toSorted() }
  }
  if (a.kind === 'pieces' && b.kind === 'pieces') {
    return { kind: 'pieces', pieces: inOrder([...a.pieces, ...b.pieces]) }
  }
  throw new TypeError(`${key} is a ${a.kind} here and a ${b.kind} there`)
}

/** Only for contained values. */
function subtract(a: ResourceValue, b: ResourceValue): ResourceValue {
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths - b.thousandths }
  }
  if (a.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: Range.difference(a.ranges, b.ranges) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    const gone = new Set(b.items)
    return { kind: 'set', items: a.items.filter(item => !gone.has(item)) }
  }
  if (a.kind === 'pieces' && b.kind === 'pieces')
    return { kind: 'pieces', pieces: withoutPieces(a.pieces, b.pieces) }
  throw new TypeError('subtract is only for values that are contained')
}

function exceptValue(a: ResourceValue, b: ResourceValue): ResourceValue {
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: Math.max(0, a.thousandths - b.thousandths) }
  }
  return a.kind === b.kind ? subtract(a, b) : a
}

/** As many of each size as are left; a piece that is not there takes nothing away. */
function withoutPieces(pieces: readonly Thousandths[], gone: readonly Thousandths[]): Thousandths[] {
  const rest = [...pieces]
  for (const piece of gone) {
    const index = rest.indexOf(piece)
    if (index >= 0) rest.splice(index, 1)
  }
  return rest
}

function containsValue(a: ResourceValue, b: ResourceValue): boolean {
  if (a === b) return true
  if (a.kind === 'scalar' && b.kind === 'scalar') return a.thousandths >= b.thousandths
  if (a.kind === 'ranges' && b.kind === 'ranges') return Range.includes(a.ranges, b.ranges)
  if (a.kind === 'set' && b.kind === 'set') return b.items.every(item => a.items.includes(item))
  if (a.kind === 'pieces' && b.kind === 'pieces')
    return withoutPieces(a.pieces, b.pieces).length === a.pieces.length - b.pieces.length
  return false
}

function valueFromWire(text: string, wire: WireResources[string]): readonly [string, ResourceValue] {
  const kind = kindFromWire(text)
  const key = keyOf(kind)
  if (kind.isMount) {
    const amounts = typeof wire === 'number' ? [wire] : wire.filter(piece => typeof piece === 'number')
    if (Array.isArray(wire) && amounts.length < wire.length)
      throw new RangeError(`${key}: a mount is a number or a list of numbers, got ${JSON.stringify(wire)}`)
    return [key, { kind: 'pieces', pieces: amounts.map(amount => amountFromWire(key, amount)) }]
  }
  if (typeof wire === 'number') return [key, { kind: 'scalar', thousandths: amountFromWire(key, wire) }]
  if (kind.volume) throw new RangeError(`${key}: a volume is a number, got ${JSON.stringify(wire)}`)
  if (wire.every(item => typeof item === 'string')) {
    return [key, { kind: 'set', items: [...new Set(wire)].toSorted() }]
  }
  const intervals = wire.map(item => {
    const [begin, end] = Array.isArray(item) ? item : []
    if (!isWhole(begin) || !isWhole(end) || begin > end) {
      throw new RangeError(
        `${key}: a range goes from a whole number to the same or a larger one, got ${String(begin)}-${String(end)}`,
      )
    }
    return [begin, end] as const
  })
  return [key, { kind: 'ranges', ranges: Range.normalize(intervals) }]
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function kindFromWire(key: string): ResourceKind {
  try {
    return kindOf(key)
  } catch (error) {
    throw new RangeError(`'${key}': ${(error as Error).message}`, { cause: error })
  }
}

function amountFromWire(key: string, amount: number): Thousandths {
  try {
    return toThousandths(amount)
  } catch (error) {
    throw new RangeError(`${key}: ${(error as Error).message}`, { cause: error })
  }
}

function valueToWire(value: ResourceValue): WireResources[string] {
  switch (value.kind) {
    case 'scalar':
      return fromThousandths(value.thousandths)
    case 'ranges':
      return value.ranges.map(([begin, end]) => [begin, end] as const)
    case 'set':
      return [...value.items]
    case 'pieces':
      return value.pieces.map(fromThousandths)
  }
}

function valueToTexts(value: ResourceValue): string[] {
  switch (value.kind) {
    case 'scalar':
      return [String(fromThousandths(value.thousandths))]
    case 'ranges':
      return [`[${value.ranges.map(([begin, end]) => `${begin}-${end}`).join(',')}]`]
    case 'set':
      return [`{${value.items.join(',')}}`]
    case 'pieces':
      return value.pieces.map(piece => String(fromThousandths(piece)))
  }
}
