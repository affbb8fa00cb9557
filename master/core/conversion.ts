import { ProtocolError } from '@tender/sdk/protocol'
import {
  keyOf,
  kindOf,
  type ResourceKind,
  Resources,
  type WireResources,
  withoutLastReservation,
  withoutVolume,
} from '@tender/sdk/values'

export const conversionKinds = ['reserve', 'unreserve', 'create', 'destroy'] as const
export type ConversionKind = (typeof conversionKinds)[number]

/** Some resources of an agent become others: reserved or not, a volume or not. */
export interface Conversion {
  readonly kind: ConversionKind
  readonly from: Resources
  readonly to: Resources
}

/**
 * What it means to reserve, unreserve, create or destroy these: given as they are reserved, or as volumes.
 * @throws ProtocolError `invalid-resources` naming what is wrong
 */
export function conversionOf(kind: ConversionKind, wire: WireResources | undefined): Conversion {
  const resources = readResources(wire)
  switch (kind) {
    case 'reserve':
      return { kind, from: changed(resources, unreserved), to: resources }
    case 'unreserve':
      return { kind, from: resources, to: changed(resources, unreserved) }
    case 'create':
      return { kind, from: changed(resources, withoutDirectory), to: resources }
    case 'destroy':
      return { kind, from: resources, to: changed(resources, withoutDirectory) }
  }
}

/**
 * Volumes come into being, or go, as a whole.
 * @param total all that the agent has
 * @throws ProtocolError `invalid-resources` when an id is taken, or a part of a volume is named
 */
export function checkVolumes({ kind, from, to }: Conversion, total: Resources): void {
  if (kind === 'create') {
    const taken = new Set(volumeIds(total))
    for (const id of volumeIds(to)) {
      if (taken.has(id)) throw invalid(`a volume's id is used once on an agent; ${id} is taken`)
      taken.add(id)
    }
    for (const [key, value] of to.entries()) {
      if (value.kind === 'pieces' && value.pieces.length !== 1)
        throw invalid(`a volume is one mount, got ${value.pieces.length} for ${key}`)
    }
  }
  if (kind !== 'destroy') return
  for (const [key, value] of from.entries()) {
    const whole = total.get(key)
    const there = whole && Resources.of([[key, whole]])
    if (there && !there.equals(Resources.of([[key, value]])))
      throw invalid(`a volume is destroyed as a whole (${String(there)}), got ${String(from)}`)
  }
}

function readResources(wire: WireResources | undefined): Resources {
  try {
    const resources = Resources.fromWire(wire ?? {})
    if (!resources.isEmpty) return resources
  } catch (error) {
    throw invalid((error as Error).message)
  }
  throw invalid('resources must hold something, got nothing')
}

function changed(resources: Resources, change: (key: string, kind: ResourceKind) => ResourceKind): Resources {
  return Resources.of(
    [...resources.entries()].map(([key, value]) => [keyOf(change(key, kindOf(key))), value] as const),
  )
}

function unreserved(key: string, kind: ResourceKind): ResourceKind {
  const before = withoutLastReservation(kind)
  if (before) return before
  const { name, reservation, volume } = kind
  if (volume) throw invalid(`a volume's reservation stays while the volume is there, got ${key}`)
  if (!reservation)
    throw invalid(`resources are given as reserved, such as ${name}(role,dynamic), got ${key}`)
  const [role] = reservation.roles
  throw invalid(
    `the static reservation ${key} comes and goes with the agent's configuration; one made at run time is ${name}(${role},dynamic)`,
  )
}

function withoutDirectory(key: string, kind: ResourceKind): ResourceKind {
  const disk = withoutVolume(kind)
  if (!disk) throw invalid(`resources are given as volumes, such as disk(role)[id:path], got ${key}`)
  if (kind.name !== 'disk') throw invalid(`a volume is of disk, got ${key}`)
  return disk
}

function volumeIds(resources: Resources): string[] {
  return resources.keys().flatMap(key => kindOf(key).volume?.id ?? [])
}

function invalid(rule: string): ProtocolError {
  return new ProtocolError('invalid-resources', rule)
}
