import { array, boolean, type Infer, object, optional, string } from './schema.js'

const text = string({ maxLength: 1000 })

/**
 * One condition on an agent: exactly one selector (`attribute`, `hostname`, `region`, `zone`) and exactly one predicate.
 * A predicate on text is met by an attribute that is a number, as in Mesos; a `matches` is a regular expression in RE2's
 * language, bounded in size, that the whole value must match.
 */
export const constraint = object({
  /** The attribute of this name. */
  attribute: optional(string({ minLength: 1, maxLength: 200 })),
  hostname: optional(boolean()),
  region: optional(boolean()),
  zone: optional(boolean()),
  exists: optional(boolean()),
  equals: optional(text),
  notEquals: optional(text),
  matches: optional(text),
  notMatches: optional(text),
})

/** One of these groups must be met; all conditions of a group together. */
export const constraintGroups = array(array(constraint, { maxItems: 50 }), { maxItems: 50 })

export type Constraint = Infer<typeof constraint>
export type ConstraintGroups = Infer<typeof constraintGroups>
