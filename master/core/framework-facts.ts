import {
  type FrameworkId,
  type FrameworkInfo,
  type OfferConstraints,
  ProtocolError,
} from '@tender/sdk/protocol'
import { roleProblem } from '@tender/sdk/values'
import { parseMinimum } from '../allocator/minimum.js'
import type { FrameworkFacts, Minimum } from '../allocator/types.js'
import { constraintProblem } from './demand.js'
import type { Framework } from './state.js'

/** @throws ProtocolError `invalid-framework` or `invalid-constraints`, naming the rule and what came */
export function checkFramework(
  frameworkId: FrameworkId,
  info: FrameworkInfo,
  constraints: OfferConstraints | undefined = {},
): void {
  const problem = infoProblem(frameworkId, info) ?? minimumProblem(info)
  if (problem !== undefined) throw new ProtocolError('invalid-framework', problem)
  for (const [role, groups] of Object.entries(constraints)) {
    const wrong = info.roles.includes(role) ? constraintProblem(groups) : foreignRole(info)
    if (wrong !== undefined)
      throw new ProtocolError('invalid-constraints', `offerConstraints, role ${role}: ${wrong}`)
  }
}

/** What the allocator is told. */
export function factsOf({
  frameworkId,
  info,
  suppressedRoles,
  offerConstraints,
}: Pick<Framework, 'frameworkId' | 'info' | 'suppressedRoles' | 'offerConstraints'>): FrameworkFacts {
  return {
    frameworkId,
    roles: info.roles,
    suppressed: suppressedRoles,
    capabilities: new Set(info.capabilities),
    minAllocatable: minimums(info),
    constraints: new Map(Object.entries(offerConstraints)),
  }
}

function infoProblem(frameworkId: FrameworkId, info: FrameworkInfo): string | undefined {
  if (info.frameworkId !== frameworkId)
    return `frameworkId must be the one of the subject, ${frameworkId}, got ${info.frameworkId}`
  for (const role of info.roles) {
    const rule = roleProblem(role)
    if (rule !== undefined) return `${rule}, got '${role}'`
  }
  return new Set(info.roles).size < info.roles.length
    ? `roles must not be named twice, got ${info.roles.join(', ')}`
    : undefined
}

function minimumProblem(info: FrameworkInfo): string | undefined {
  const { minAllocatable = {} } = info
  const foreign =
    typeof minAllocatable === 'string'
      ? undefined
      : Object.keys(minAllocatable).find(role => !info.roles.includes(role))
  if (foreign !== undefined) return `minAllocatable, role ${foreign}: ${foreignRole(info)}`
  try {
    minimums(info)
    return undefined
  } catch (error) {
    return `minAllocatable: ${(error as Error).message}`
  }
}

function minimums({ minAllocatable, roles }: FrameworkInfo): ReadonlyMap<string, Minimum> {
  if (minAllocatable === undefined) return new Map()
  if (typeof minAllocatable !== 'string')
    return new Map(Object.entries(minAllocatable).map(([role, text]) => [role, parseMinimum(text)]))
  const minimum = parseMinimum(minAllocatable)
  return new Map(roles.map(role => [role, minimum]))
}

function foreignRole({ roles }: FrameworkInfo): string {
  return `roles must be among the framework's own (${roles.join(', ')})`
}
