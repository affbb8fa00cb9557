import * as Range from './ranges.js'
import type { Ranges } from './ranges.js'
import { parseResources } from './resources-text.js'
import { fromThousandths, type Thousandths, toThousandths } from './quantity.js'

/** One resource: an amount, a set of numbers, or a set of names. */
export type ResourceValue =
  | { readonly kind: 'scalar'; readonly thousandths: Thousandths }
  | { readonly kind: 'ranges'; readonly ranges: Ranges }
  | { readonly kind: 'set'; readonly items: readonly string[] }

/** Resources as they stand in messages and in JSON: `{ cpus: 1.5, mem: 1024, ports: [[31000, 31009]] }`. */
export type WireResources = Record<string, number | (readonly [number, number])[] | string[]>

/**
 * An exact, immutable amount of resources. Scalars are whole thousandths, ports and the like are ranges, and a zero
 * is the same as nothing. Its text form is `cpus:1.5;mem:1024;ports:[31000-31009]`.
 *
 * @example
 * const free = Resources.parse('cpus:4;mem:8192').minus(Resources.parse('cpus:0.5;mem:128'))
 * free.toString() // 'cpus:3.5;mem:8064'
 */
export class Resources {
  static readonly none = new Resources(new Map())

  readonly #values: ReadonlyMap<string, ResourceValue>

  private constructor(values: ReadonlyMap<string, ResourceValue>) {
    this.#values = values
  }

  /**
   * From values by name, in any order; zeros and empty sets are left out.
   * @throws TypeError when a scalar is negative or not whole thousandths: that is a bug of the caller
   */
  static of(values: Iterable<readonly [string, ResourceValue]>): Resources {
    const kept = [...values].filter(([, value]) => !isNothing(value)).toSorted(([a], [b]) => (a < b ? -1 : 1))
    for (const [name, value] of kept) {
      if (value.kind === 'scalar' && (!Number.isSafeInteger(value.thousandths) || value.thousandths < 0)) {
        throw new TypeError(`${name} must be whole thousandths of 0 or more, got ${value.thousandths}`)
      }
    }
    return kept.length === 0 ? (Resources.none ?? new Resources(new Map())) : new Resources(new Map(kept))
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
   * @throws RangeError when a scalar is out of bounds, or a range's end is before its begin
   */
  static fromWire(wire: WireResources): Resources {
    return Resources.of(
      Object.entries(wire).map(([name, value]) => [name, valueFromWire(name, value)] as const),
    )
  }

  static sum(all: Iterable<Resources>): Resources {
    let sum = Resources.none
    for (const resources of all) sum = sum.plus(resources)
    return sum
  }

  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  /** Names in ascending order. */
  names(): string[] {
    return [...this.#values.keys()]
  }

  entries(): IterableIterator<[string, ResourceValue]> {
    return this.#values.entries()
  }

  get(name: string): ResourceValue | undefined {
    return this.#values.get(name)
  }

  /** The amount of a scalar in thousandths, 0 when there is none. */
  thousandths(name: string): Thousandths {
    const value = this.#values.get(name)
    return value?.kind === 'scalar' ? value.thousandths : 0
  }

  /** The amount of a scalar as a decimal number, 0 when there is none. */
  scalar(name: string): number {
    return fromThousandths(this.thousandths(name))
  }

  /** The ranges of a resource such as `ports`, empty when there are none. */
  ranges(name: string): Ranges {
    const value = this.#values.get(name)
    return value?.kind === 'ranges' ? value.ranges : []
  }

  plus(other: Resources): Resources {
    if (other.isEmpty) return this
    const sum = new Map(this.#values)
    for (const [name, value] of other.#values) sum.set(name, add(name, sum.get(name), value))
    return Resources.of(sum)
  }

  /** @throws RangeError when `other` is not contained in this: below zero is a bug, never a number */
  minus(other: Resources): Resources {
    if (!this.contains(other)) throw new RangeError(`${String(other)} is not contained in ${String(this)}`)
    const rest = new Map(this.#values)
    for (const [name, value] of other.#values) rest.set(name, subtract(rest.get(name), value))
    return Resources.of(rest)
  }

  /** What is left of this without `other`, which may be more than there is: never below zero. */
  except(other: Resources): Resources {
    return Resources.of(
      [...this.#values].map(([name, value]) => [name, exceptValue(value, other.#values.get(name))] as const),
    )
  }

  /** Whether all of `other` is in this, port by port. */
  contains(other: Resources): boolean {
    for (const [name, value] of other.#values) {
      const mine = this.#values.get(name)
      if (!mine || !containsValue(mine, value)) return false
    }
    return true
  }

  equals(other: Resources): boolean {
    return this.contains(other) && other.contains(this)
  }

  toWire(): WireResources {
    const wire: WireResources = {}
    for (const [name, value] of this.#values) wire[name] = valueToWire(value)
    return wire
  }

  toString(): string {
    return [...this.#values].map(([name, value]) => `${name}:${valueToText(value)}`).join(';')
  }

  /** JSON is the form used in messages. */
  toJSON(): WireResources {
    return this.toWire()
  }
}

function isNothing(value: ResourceValue): boolean {
  switch (value.kind) {
    case 'scalar':
      return value.thousandths === 0
    case 'ranges':
      return value.ranges.length === 0
    case 'set':
      return value.items.length === 0
  }
}

function add(name: string, a: ResourceValue | undefined, b: ResourceValue): ResourceValue {
  if (!a) return b
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths + b.thousandths }
  }
  if (a.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: Range.union(a.ranges, b.ranges) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', items: [...new Set([...a.items, ...b.items])].toSorted() }
  }
  throw new TypeError(`${name} is a ${a.kind} here and a ${b.kind} there`)
}

/** Only for contained values. */
function subtract(a: ResourceValue | undefined, b: ResourceValue): ResourceValue {
  if (a?.kind === 'scalar' && b.kind === 'scalar') {
    return { kind: 'scalar', thousandths: a.thousandths - b.thousandths }
  }
  if (a?.kind === 'ranges' && b.kind === 'ranges') {
    return { kind: 'ranges', ranges: Range.difference(a.ranges, b.ranges) }
  }
  if (a?.kind === 'set' && b.kind === 'set') {
    const gone = new Set(b.items)
    return { kind: 'set', items: a.items.filter(item => !gone.has(item)) }
  }
  throw new TypeError('subtract is only for values that are contained')
}

function exceptValue(a: ResourceValue, b: ResourceValue | undefined): ResourceValue {
  if (a.kind === 'scalar' && b?.kind === 'scalar') {
    return { kind: 'scalar', thousandths: Math.max(0, a.thousandths - b.thousandths) }
  }
  return a.kind === b?.kind ? subtract(a, b) : a
}

function containsValue(a: ResourceValue, b: ResourceValue): boolean {
  if (a.kind === 'scalar' && b.kind === 'scalar') return a.thousandths >= b.thousandths
  if (a.kind === 'ranges' && b.kind === 'ranges') return Range.includes(a.ranges, b.ranges)
  if (a.kind === 'set' && b.kind === 'set') return b.items.every(item => a.items.includes(item))
  return false
}

function valueFromWire(name: string, wire: WireResources[string]): ResourceValue {
  if (typeof wire === 'number') {
    try {
      return { kind: 'scalar', thousandths: toThousandths(wire) }
    } catch (error) {
      throw new RangeError(`${name}: ${(error as Error).message}`, { cause: error })
    }
  }
  if (wire.every(item => typeof item === 'string')) {
    return { kind: 'set', items: [...new Set(wire)].toSorted() }
  }
  for (const [begin, end] of wire) {
    if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end) || begin < 0 || begin > end) {
      throw new RangeError(
        `${name}: a range goes from a whole number to the same or a larger one, got ${begin}-${end}`,
      )
    }
  }
  return { kind: 'ranges', ranges: Range.normalize(wire) }
}

function valueToWire(value: ResourceValue): WireResources[string] {
  switch (value.kind) {
    case 'scalar':
      return fromThousandths(value.thousandths)
    case 'ranges':
      return value.ranges.map(([begin, end]) => [begin, end] as const)
    case 'set':
      return [...value.items]
  }
}

function valueToText(value: ResourceValue): string {
  switch (value.kind) {
    case 'scalar':
      return String(fromThousandths(value.thousandths))
    case 'ranges':
      return `[${value.ranges.map(([begin, end]) => `${begin}-${end}`).join(',')}]`
    case 'set':
      return `{${value.items.join(',')}}`
  }
}
