import { isAllocatableTo, kindOf, type ResourceKind, Resources, type ResourceValue } from '@tender/sdk/values'
import type { Names } from './vectors.js'

/** What quotas are about: scalars that nobody has reserved and nobody may take back. */
export function isCountedByQuota(kind: ResourceKind): boolean {
  return !kind.reservation && !kind.isRevocable
}

/**
 * Cuts the unreserved scalars of an amount to at most so much of each name (thousandths; undefined: all of it). Mounts
 * are given whole or not at all, the smallest first; what can be divided fills up the rest.
 */
export function cutTo(resources: Resources, names: Names, most: readonly (number | undefined)[]): Resources {
  const left = new Map<string, number>()
  const kept: [string, ResourceValue][] = []
  const inOrder = [...resources.entries()].toSorted(
    ([, a], [, b]) => Number(b.kind === 'pieces') - Number(a.kind === 'pieces'),
  )
  for (const [key, value] of inOrder) {
    const kind = kindOf(key)
    const bound = most[names.id(kind.name)]
    if (bound === undefined || !isCountedByQuota(kind)) kept.push([key, value])
    else if (value.kind === 'scalar') {
      kept.push([
        key,
        { kind: 'scalar', thousandths: Math.min(value.thousandths, left.get(kind.name) ?? bound) },
      ])
    } else if (value.kind === 'pieces') {
      let room = left.get(kind.name) ?? bound
      const pieces = value.pieces.filter(piece => {
        const fits = piece <= room
        if (fits) room -= piece
        return fits
      })
      left.set(kind.name, room)
      kept.push([key, { kind: 'pieces', pieces }])
    } else kept.push([key, value])
  }
  return Resources.of(kept)
}

/** What of an agent's free resources a framework may have in a role, by the kinds that it can handle. */
export function mayHave(
  resources: Resources,
  role: string,
  can: { readonly revocable: boolean; readonly refinement: boolean },
): Resources {
  return resources.only(
    kind =>
      isAllocatableTo(kind, role) &&
      (can.revocable || !kind.isRevocable) &&
      (can.refinement || (kind.reservation?.roles.length ?? 0) < 2),
  )
}
