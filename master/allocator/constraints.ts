import type { Constraint, ConstraintGroups } from '@tender/sdk/protocol'
import { RE2JS } from 're2js'
import type { AgentFacts } from './types.js'

/** Longer patterns are refused. RE2 needs time in proportion to the text, whatever the pattern. */
const longestPattern = 500

const selectors = ['attribute', 'hostname', 'region', 'zone'] as const
const predicates = ['exists', 'equals', 'notEquals', 'matches', 'notMatches'] as const

/**
 * Checks that each constraint has one selector and one predicate, and that its pattern can be read.
 * @throws Error with a sentence that names what is wrong
 */
export function checkConstraints(groups: ConstraintGroups): void {
  for (const constraint of groups.flat()) {
    exactlyOne(constraint, selectors, 'selector')
    const predicate = exactlyOne(constraint, predicates, 'predicate')
    for (const flag of ['hostname', 'region', 'zone'] as const) {
      if (constraint[flag] === false) throw new Error(`a constraint's ${flag} must be true, got false`)
    }
    if (predicate === 'matches' || predicate === 'notMatches') pattern(constraint[predicate] ?? '')
  }
}

function exactlyOne<T extends keyof Constraint>(
  constraint: Constraint,
  names: readonly T[],
  what: string,
): T {
  const given = names.filter(name => constraint[name] !== undefined)
  const [only] = given
  if (only === undefined || given.length > 1) {
    const got = given.join(' and ') || 'none'
    throw new Error(`a constraint has exactly one ${what} of ${names.join(', ')}, got ${got}`)
  }
  return only
}

/** Patterns come again for each agent; reading one is a pure function of its text. */
const read = new Map<string, RE2JS>()

function pattern(text: string): RE2JS {
  const known = read.get(text)
  if (known) return known
  if (text.length > longestPattern)
    throw new Error(`a pattern has at most ${longestPattern} characters, got ${text.length}`)
  let made: RE2JS
  try {
    made = RE2JS.compile(text)
  } catch (error) {
    throw new Error(
      `a pattern must be a regular expression of RE2, got '${text}': ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
  if (read.size >= 1_000) read.clear()
  read.set(text, made)
  return made
}

/** Whether an agent meets one of the groups. No group at all asks for nothing. */
export function meetsConstraints(agent: AgentFacts, groups: ConstraintGroups | undefined): boolean {
  return !groups || groups.length === 0 || groups.some(group => group.every(each => meetsOne(agent, each)))
}

/** The first constraint that an agent does not meet, of the group that it comes closest to. */
export function unmetConstraint(agent: AgentFacts, groups: ConstraintGroups): Constraint | undefined {
  const unmet = groups.map(group => group.filter(each => !meetsOne(agent, each)))
  return unmet.toSorted((a, b) => a.length - b.length)[0]?.[0]
}

export function constraintToText(constraint: Constraint): string {
  const selector = constraint.attribute ?? selectors.find(name => constraint[name] !== undefined) ?? ''
  const predicate = predicates.find(name => constraint[name] !== undefined) ?? 'exists'
  if (predicate === 'exists') return constraint.exists ? `${selector} exists` : `${selector} does not exist`
  return `${selector} ${predicate} '${constraint[predicate] ?? ''}'`
}

function meetsOne(agent: AgentFacts, constraint: Constraint): boolean {
  const value = selected(agent, constraint)
  if (constraint.exists !== undefined) return (value !== undefined) === constraint.exists
  // As in Mesos: predicates on text say nothing about numbers.
  if (typeof value === 'number') return true
  if (constraint.equals !== undefined) return value === constraint.equals
  if (constraint.notEquals !== undefined) return value !== constraint.notEquals
  if (constraint.matches !== undefined)
    return value !== undefined && pattern(constraint.matches).matches(value)
  if (constraint.notMatches !== undefined)
    return value === undefined || !pattern(constraint.notMatches).matches(value)
  return true
}

function selected(agent: AgentFacts, constraint: Constraint): string | number | undefined {
  if (constraint.attribute !== undefined) {
    return Object.hasOwn(agent.attributes, constraint.attribute)
      ? agent.attributes[constraint.attribute]
      : undefined
  }
  if (constraint.hostname) return agent.hostname
  return constraint.region ? agent.domain?.region : agent.domain?.zone
}
