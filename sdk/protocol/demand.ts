import { constraintGroups } from './constraint.js'
import { array, type Infer, integer, object, optional, string } from './schema.js'
import { resources } from './values.js'

/** So many tasks of one shape are wanted. */
export const shape = object({
  count: integer({ minimum: 0, maximum: 1_000_000 }),
  /** What one of them takes. A number under a name that is ranges or a set, such as `ports: 2`, is so many of them. */
  resources,
  constraints: optional(constraintGroups),
})

/**
 * What a framework wants in one role, in place of what it said before: it is then offered exactly that, and nothing
 * beyond. Without `shapes` it has no demand, and is offered whole remainders of agents again.
 */
export const demand = object({
  role: string({ minLength: 1, maxLength: 200 }),
  shapes: optional(array(shape, { maxItems: 100 })),
})

export type Shape = Infer<typeof shape>
export type Demand = Infer<typeof demand>
