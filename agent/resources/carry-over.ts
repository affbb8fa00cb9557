import {
  keyOf,
  kindOf,
  type ResourceKind,
  Resources,
  type ResourceValue,
  withoutLastReservation,
  withoutVolume,
} from '@tender/sdk/values'
import type { ResourcesRecord } from '../checkpoint/records.js'

/**
 * What an agent has when it is started again: as it was left, or, when it is now started with other resources, these
 * with the reservations and volumes of before made out of them.
 *
 * @throws Error when what they are made of is not there any more
 */
export function carriedOver(kept: ResourcesRecord, startedWith: Resources): Resources {
  const total = Resources.fromWire(kept.resources)
  if (startedWith.equals(Resources.fromWire(kept.startedWith))) return total
  const made = total.only(kind => keyOf(staticKind(kind)) !== keyOf(kind))
  const source = Resources.of([...made.entries()].map(toSource))
  if (startedWith.contains(source)) return startedWith.minus(source).plus(made)
  throw new Error(
    `reservations and volumes on this agent (${String(made)}) are made of more than it is now started with: ` +
      `missing is ${String(source.except(startedWith))} of the ${String(source)} that they need; start it with at ` +
      `least that (--resources; before it was started with ${String(Resources.fromWire(kept.startedWith))}), and ` +
      `unreserve or destroy them first if it is to have less`,
  )
}

function toSource([key, value]: [string, ResourceValue]): [string, ResourceValue] {
  return [keyOf(staticKind(kindOf(key))), value]
}

/** As it was when the agent was started: before reservations at run time, and before a volume was made of it. */
function staticKind(kind: ResourceKind): ResourceKind {
  let found = withoutVolume(kind) ?? kind
  for (let outer = withoutLastReservation(found); outer; outer = withoutLastReservation(found)) found = outer
  return found
}
