import type { Thousandths } from './quantity.js'
import * as Range from './ranges.js'
import { kindOf, reservedRole, type ResourceKind } from './resource-kind.js'
import { Resources, type ResourceValue } from './resources.js'

export interface TakeOptions {
  /** Whether what is wanted under a plain name may be revocable, where there is not enough else; no unless told. */
  readonly revocable?: boolean
}

/**
 * Chooses out of `available` what is `wanted`, and tells exactly which kinds it is made of. A qualified key
 * (`cpus(web)`, `disk{mount}`) is met by that very kind. A plain name is met by what is reserved, the deepest role
 * first, and then by what is not reserved, but never by volumes and mounts. Ranges and sets are met by these very
 * members, a number under such a name by so many of the lowest.
 *
 * @returns undefined exactly when it does not fit; else resources that are contained in `available`, with the same
 *   quantities as `wanted`
 * @example
 * const available = Resources.parse('cpus:4;cpus(web):1;ports:[31000-31009]')
 * take(available, Resources.parse('cpus:2;ports:2')) // cpus:1;cpus(web):1;ports:[31000-31001]
 */
export function take(
  available: Resources,
  wanted: Resources,
  options: TakeOptions = {},
): Resources | undefined {
  let left = available
  const taken: (readonly [string, ResourceValue])[] = []
  for (const [key, value] of qualifiedFirst(wanted)) {
    const part = takeOne(left, key, value, options)
    if (!part) return undefined
    taken.push(...part)
    if (!isPlain(key)) left = left.minus(Resources.of(part))
  }
  return Resources.of(taken)
}

type Entry = readonly [key: string, value: ResourceValue]

/** What must be of one kind is taken before a plain name helps itself to it. */
function qualifiedFirst(wanted: Resources): Entry[] {
  const entries = [...wanted.entries()]
  return [...entries.filter(([key]) => !isPlain(key)), ...entries.filter(([key]) => isPlain(key))]
}

function isPlain(key: string): boolean {
  return kindOf(key).name === key
}

function takeOne(
  available: Resources,
  key: string,
  wanted: ResourceValue,
  options: TakeOptions,
): Entry[] | undefined {
  let missing: ResourceValue | undefined = wanted
  const taken: Entry[] = []
  for (const [sourceKey, source] of sourcesOf(available, key, options)) {
    if (!missing) break
    const [part, rest] = cut(source, missing)
    if (part) taken.push([sourceKey, part])
    missing = rest
  }
  return missing ? undefined : taken
}

/** What may serve a key, in the order in which it is used up. */
function sourcesOf(available: Resources, key: string, options: TakeOptions): Entry[] {
  if (!isPlain(key)) {
    const value = available.get(key)
    return value ? [[key, value]] : []
  }
  const sources: { kind: ResourceKind; entry: Entry }[] = []
  for (const entry of available.entries()) {
    const kind = kindOf(entry[0])
    if (kind.name !== key || kind.volume || kind.isMount) continue
    if (!kind.isRevocable || options.revocable === true) sources.push({ kind, entry })
  }
  // The entries come in the order of their keys, and sorting keeps that among equals.
  if (sources.length > 1) sources.sort((one, other) => precedence(other.kind) - precedence(one.kind))
  return sources.map(({ entry }) => entry)
}

/** Depth of the role that it is reserved for; 0 for what is not reserved, and less for what may be taken back. */
function precedence(kind: ResourceKind): number {
  if (kind.isRevocable) return -1
  return reservedRole(kind)?.split('/').length ?? 0
}

/** As much of what is wanted as a source has, and what is then still missing. */
function cut(
  source: ResourceValue,
  wanted: ResourceValue,
): readonly [part: ResourceValue | undefined, missing: ResourceValue | undefined] {
  if (wanted.kind === 'scalar') return cutNumber(source, wanted.thousandths)
  if (wanted.kind === 'ranges' && source.kind === 'ranges') {
    const missing = Range.difference(wanted.ranges, source.ranges)
    return [ranges(Range.difference(wanted.ranges, missing)), ranges(missing)]
  }
  if (wanted.kind === 'set' && source.kind === 'set') {
    const has = new Set(source.items)
    return [set(wanted.items.filter(item => has.has(item))), set(wanted.items.filter(item => !has.has(item)))]
  }
  if (wanted.kind === 'pieces' && source.kind === 'pieces') return cutPieces(source.pieces, wanted.pieces)
  return [undefined, wanted]
}

/** Of ranges and sets a number means so many members, the lowest first. */
function cutNumber(source: ResourceValue, wanted: Thousandths): ReturnType<typeof cut> {
  const members = Math.floor(wanted / 1000)
  switch (source.kind) {
    case 'scalar': {
      const part = Math.min(wanted, source.thousandths)
      return [scalar(part), scalar(wanted - part)]
    }
    case 'ranges': {
      const part = Range.lowest(source.ranges, members)
      return [ranges(part), scalar(wanted - Range.count(part) * 1000)]
    }
    case 'set': {
      const part = source.items.slice(0, members)
      return [set(part), scalar(wanted - part.length * 1000)]
    }
    case 'pieces':
      return [undefined, scalar(wanted)]
  }
}

/** Each piece as a whole. */
function cutPieces(source: readonly Thousandths[], wanted: readonly Thousandths[]): ReturnType<typeof cut> {
  const rest = [...source]
  const part: Thousandths[] = []
  const missing: Thousandths[] = []
  for (const piece of wanted) {
    const index = rest.indexOf(piece)
    if (index >= 0) part.push(...rest.splice(index, 1))
    else missing.push(piece)
  }
  return [pieces(part), pieces(missing)]
}

// Nothing at all is undefined.

function scalar(thousandths: Thousandths): ResourceValue | undefined {
  return thousandths > 0 ? { kind: 'scalar', thousandths } : undefined
}

function ranges(of: Range.Ranges): ResourceValue | undefined {
  return of.length > 0 ? { kind: 'ranges', ranges: of } : undefined
}

function set(items: readonly string[]): ResourceValue | undefined {
  return items.length > 0 ? { kind: 'set', items } : undefined
}

function pieces(of: readonly Thousandths[]): ResourceValue | undefined {
  return of.length > 0 ? { kind: 'pieces', pieces: of } : undefined
}
