import { checkConstraints } from '../../master/allocator/constraints.js'
import { anyText, boolean, justTrue, listOf, mapOf, optional, type Read, recordOf, text } from './readers.js'
import type { YamlNode } from './yaml-document.js'

export type Selector =
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'hostname' | 'region' | 'zone' }

export type Predicate =
  | { readonly kind: 'exists'; readonly exists: boolean }
  | { readonly kind: 'equals' | 'notEquals' | 'matches' | 'notMatches'; readonly text: string }

export interface Constraint {
  readonly selector: Selector
  readonly predicate: Predicate
}

/** All of a group must hold. */
export type ConstraintGroup = readonly Constraint[]

/** For each role: one of the groups must hold. */
export type OfferConstraints = Readonly<Record<string, readonly ConstraintGroup[]>>

const pattern: Read<string> = (node, place) => {
  const written = anyText(node, place)
  try {
    checkConstraints([[{ hostname: true, matches: written }]])
  } catch (error) {
    if (!place.context.mayBeRefused) place.fail(node.line, (error as Error).message)
  }
  return written
}

const fields = mapOf({
  attribute: optional(text),
  hostname: optional(justTrue),
  region: optional(justTrue),
  zone: optional(justTrue),
  exists: optional(boolean),
  equals: optional(anyText),
  notEquals: optional(anyText),
  matches: optional(pattern),
  notMatches: optional(pattern),
})

const constraint: Read<Constraint> = (node, place) => {
  const read = fields(node, place)
  const selectors = (['attribute', 'hostname', 'region', 'zone'] as const).filter(
    name => read[name] !== undefined,
  )
  const texts = ['equals', 'notEquals', 'matches', 'notMatches'] as const
  const predicates = (['exists', ...texts] as const).filter(name => read[name] !== undefined)
  const [selector] = selectors
  const [predicate] = predicates
  if (selector === undefined || selectors.length > 1) {
    return place.fail(
      node.line,
      `a constraint names one of attribute, hostname, region, zone, got ${several(selectors)}`,
    )
  }
  if (predicate === undefined || predicates.length > 1) {
    return place.fail(
      node.line,
      `a constraint names one of exists, ${texts.join(', ')}, got ${several(predicates)}`,
    )
  }
  return {
    selector: selector === 'attribute' ? { kind: selector, name: read.attribute ?? '' } : { kind: selector },
    predicate:
      predicate === 'exists'
        ? { kind: predicate, exists: read.exists ?? true }
        : { kind: predicate, text: read[predicate] ?? '' },
  }
}

function several(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}

/** A list of groups; a flat list of constraints is one group. */
export const constraintGroups: Read<readonly ConstraintGroup[]> = (node, place) => {
  const what = 'a list of groups, each a list of constraints'
  if (node.kind !== 'list') return place.mustBe(node, what)
  const isFlat = node.items.length > 0 && node.items.every((item: YamlNode) => item.kind === 'map')
  return isFlat
    ? [listOf(constraint)(node, place)]
    : listOf(listOf(constraint, 'a list of constraints'))(node, place)
}

/** Groups by role, or for all of the framework's roles. */
export const offerConstraints: Read<OfferConstraints | readonly ConstraintGroup[]> = (node, place) =>
  node.kind === 'map' ? recordOf(constraintGroups)(node, place) : constraintGroups(node, place)
