import {
  keyOf,
  kindOf,
  ranges as Range,
  type Reservation,
  reservedRole,
  type ResourceKind,
  Resources,
  type ResourceValue,
  withoutLastReservation,
  withoutVolume,
} from '@tender/sdk/values'

/** About half of it; a volume, or a mount, is in it as a whole or not at all. */
export function half(resources: Resources): Resources {
  return Resources.of(
    [...resources.entries()].map(([key, value]) => [key, kindOf(key).volume ? value : halfOf(value)]),
  )
}

function halfOf(value: ResourceValue): ResourceValue {
  switch (value.kind) {
    case 'scalar':
      return { kind: 'scalar', thousandths: Math.floor(value.thousandths / 2) }
    case 'ranges': {
      const members = Range.take(value.ranges, Math.floor(Range.count(value.ranges) / 2))
      return { kind: 'ranges', ranges: Range.normalize(members.map(each => [each, each])) }
    }
    case 'set':
      return { kind: 'set', items: value.items.slice(0, 1) }
    case 'pieces':
      return { kind: 'pieces', pieces: value.pieces.slice(0, 1) }
  }
}

export interface Conversion {
  readonly from: Resources
  readonly to: Resources
}

/** Every reservation, refinement, volume, and their undoing, that could be made of these resources. */
export function conversionsOf(
  resources: Resources,
  roles: readonly string[],
  volumeId: string,
): Conversion[] {
  return resources.keys().flatMap(key => {
    const kind = kindOf(key)
    const all = only(resources, key)
    const some = kind.volume ? all : half(all)
    return turnsOf(kind, roles, volumeId).flatMap(turn => [
      convert(all, turn),
      ...(some.isEmpty ? [] : [convert(some, turn)]),
    ])
  })
}

function turnsOf(kind: ResourceKind, roles: readonly string[], volumeId: string): ResourceKind[] {
  if (kind.isRevocable) return []
  if (kind.volume) return [withoutVolume(kind)].filter(turn => turn !== undefined)
  const turns = roles.flatMap(role => reserved(kind, role))
  const undone = withoutLastReservation(kind)
  if (undone) turns.push(undone)
  if (kind.name === 'disk' && kind.reservation && !kind.isMount) {
    const volume = { ...kind, volume: { id: volumeId, path: 'data' } }
    turns.push(volume, { ...volume, isShared: true })
  }
  return turns
}

function reserved(kind: ResourceKind, role: string): ResourceKind[] {
  const outer = reservedRole(kind)
  if (role === '*' || (outer !== undefined && !role.startsWith(`${outer}/`))) return []
  const reservation: Reservation = kind.reservation
    ? { ...kind.reservation, roles: [...kind.reservation.roles, role] }
    : { roles: [role], isDynamic: true }
  return [{ ...kind, reservation }]
}

function convert(from: Resources, turn: ResourceKind): Conversion {
  const to = [...from.entries()].map(([, value]) => [keyOf(turn), value] as const)
  return { from, to: Resources.of(to) }
}

export function only(resources: Resources, key: string): Resources {
  return resources.only(kind => keyOf(kind) === key)
}
