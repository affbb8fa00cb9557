import {
  kindOf,
  ranges as Range,
  reservedRole,
  type ResourceKind,
  Resources,
  type ResourceValue,
  type Thousandths,
} from '@tender/sdk/values'

/** Amounts of scalars by name. */
export type Scalars = ReadonlyMap<string, Thousandths>

/** What guarantees and limits are about. */
export function isUnreserved(kind: ResourceKind): boolean {
  return kind.reservation === undefined && !kind.isRevocable
}

export function isShared(kind: ResourceKind): boolean {
  return kind.isShared
}

export function isNotShared(kind: ResourceKind): boolean {
  return !kind.isShared
}

/** The amount of a scalar or of mounts; undefined for ranges and sets. */
function scalarOf(value: ResourceValue): Thousandths | undefined {
  if (value.kind === 'scalar') return value.thousandths
  if (value.kind === 'pieces') return value.pieces.reduce((sum, piece) => sum + piece, 0)
  return undefined
}

/** Sums by name of the scalars that are wanted. */
export function scalarsOf(
  resources: Resources,
  isWanted: (kind: ResourceKind) => boolean = () => true,
): Scalars {
  const sums = new Map<string, Thousandths>()
  for (const [key, value] of resources.entries()) {
    const kind = kindOf(key)
    const amount = scalarOf(value)
    if (amount !== undefined && isWanted(kind)) sums.set(kind.name, (sums.get(kind.name) ?? 0) + amount)
  }
  return sums
}

export function addScalars(all: Iterable<Scalars>): Scalars {
  const sums = new Map<string, Thousandths>()
  for (const scalars of all)
    for (const [name, amount] of scalars) sums.set(name, (sums.get(name) ?? 0) + amount)
  return sums
}

/** What is in both. */
export function inBoth(one: Resources, other: Resources): Resources {
  return one.minus(one.except(other))
}

/**
 * Unreserved, non-revocable scalars cut to `most` of each name: mounts whole, the smallest first, as long as they fit,
 * and then as much as is left of what can be divided. All else stays as it is.
 */
export function cutUnreserved(
  resources: Resources,
  most: (name: string, available: Thousandths) => Thousandths,
): Resources {
  const unreserved = resources.only(isUnreserved)
  let result = resources
  for (const [name, available] of scalarsOf(unreserved)) {
    let left = most(name, available)
    if (left >= available) continue
    result = result.except(unreserved.only(kind => kind.name === name))
    const mounts = unreserved.get(`${name}{mount}`)
    const plain = unreserved.get(name)
    const kept: number[] = []
    for (const piece of mounts?.kind === 'pieces' ? mounts.pieces : []) {
      if (piece > left) break
      kept.push(piece)
      left -= piece
    }
    const divisible = plain?.kind === 'scalar' ? Math.min(left, plain.thousandths) : 0
    result = result.plus(
      Resources.of([
        [name, { kind: 'scalar', thousandths: divisible }],
        [`${name}{mount}`, { kind: 'pieces', pieces: kept }],
      ]),
    )
  }
  return result
}

/**
 * The part of `available` that `wanted` takes, or undefined when it does not fit. A qualified key is met by that kind
 * alone, a plain name by what is reserved, the deepest role first, then by what is not; never by what is revocable, a
 * volume or a mount.
 */
export function takeShape(available: Resources, wanted: Resources): Resources | undefined {
  let left = available
  const qualifiedFirst = [...wanted.keys()].toSorted((one, other) => rank(one) - rank(other))
  for (const key of qualifiedFirst) {
    const value = wanted.get(key)!
    let missing = size(value)
    for (const source of isPlain(key) ? plainSources(left, key) : [key]) {
      const part = partOf(left, source, value, missing)
      left = left.minus(part)
      missing -= total(part)
    }
    if (missing > 0) return undefined
  }
  return available.minus(left)
}

function isPlain(key: string): boolean {
  return kindOf(key).name === key
}

function rank(key: string): number {
  return isPlain(key) ? 1 : 0
}

function size(value: ResourceValue): Thousandths {
  return total(Resources.of([[value.kind === 'pieces' ? 'x{mount}' : 'x', value]]))
}

function total(resources: Resources): Thousandths {
  return [...resources.quantities().values()].reduce((sum, amount) => sum + amount, 0)
}

function plainSources(available: Resources, name: string): string[] {
  const isSource = (kind: ResourceKind) =>
    kind.name === name && !kind.isRevocable && !kind.volume && !kind.isMount
  const depth = (key: string) => reservedRole(kindOf(key))?.split('/').length ?? 0
  return available
    .only(isSource)
    .keys()
    .toSorted((one, other) => depth(other) - depth(one))
}

/** What one kind gives: the members that are wanted, or for a number the lowest ones, at most `missing`. */
function partOf(available: Resources, key: string, wanted: ResourceValue, missing: Thousandths): Resources {
  const source = available.get(key)
  if (!source) return Resources.none
  if (wanted.kind !== 'scalar') return inBoth(Resources.of([[key, source]]), Resources.of([[key, wanted]]))
  const members = Math.floor(missing / 1000)
  switch (source.kind) {
    case 'scalar':
      return Resources.of([[key, { kind: 'scalar', thousandths: Math.min(missing, source.thousandths) }]])
    case 'ranges':
      return Resources.of([[key, { kind: 'ranges', ranges: lowest(source.ranges, members) }]])
    case 'set':
      return Resources.of([[key, { kind: 'set', items: source.items.slice(0, members) }]])
    case 'pieces':
      return Resources.none
  }
}

function lowest(ranges: Range.Ranges, members: number): Range.Ranges {
  return Range.normalize(Range.take(ranges, members).map(member => [member, member] as const))
}
