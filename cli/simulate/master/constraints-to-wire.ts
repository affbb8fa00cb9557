import type { Constraint, ConstraintGroups, OfferConstraints } from '@tender/sdk/protocol'
import type * as Written from '../constraints.js'

/** A framework's constraints by role; those that name no role are for all of its roles. */
export function offerConstraintsOf(
  written: Written.OfferConstraints | readonly Written.ConstraintGroup[] | undefined,
  roles: readonly string[],
): OfferConstraints {
  if (!written) return {}
  const byRole = isList(written) ? Object.fromEntries(roles.map(role => [role, written])) : written
  return Object.fromEntries(Object.entries(byRole).map(([role, groups]) => [role, groupsToWire(groups)]))
}

export function groupsToWire(groups: readonly Written.ConstraintGroup[]): ConstraintGroups {
  return groups.map(group => group.map(toWire))
}

function isList(
  written: Written.OfferConstraints | readonly Written.ConstraintGroup[],
): written is readonly Written.ConstraintGroup[] {
  return Array.isArray(written)
}

function toWire({ selector, predicate }: Written.Constraint): Constraint {
  return {
    ...(selector.kind === 'attribute' ? { attribute: selector.name } : { [selector.kind]: true }),
    ...(predicate.kind === 'exists' ? { exists: predicate.exists } : { [predicate.kind]: predicate.text }),
  }
}
