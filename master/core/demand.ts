import { type ConstraintGroups, type Demand, ProtocolError, type Reply } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { checkConstraints } from '../allocator/constraints.js'
import type { Framework } from './state.js'
import { done, type Turn } from './turn.js'
import { viewFramework } from './views.js'

/** A framework says what it wants in some roles, in place of what it said before. */
export function demand(turn: Turn, framework: Framework, demands: readonly Demand[]): Reply {
  setDemands(turn, framework, checkDemands(framework.info.roles, demands))
  turn.event({ kind: 'framework', framework: viewFramework(turn.state, framework) })
  return done()
}

/** @throws ProtocolError `invalid-demand` naming the role, the shape and the rule */
export function checkDemands(
  roles: readonly string[],
  demands: readonly Demand[] | undefined = [],
): readonly Demand[] {
  for (const { role, shapes = [] } of demands) {
    if (!roles.includes(role)) {
      const rule = `a demand is in one of the framework's own roles (${roles.join(', ')}), got ${role}`
      throw new ProtocolError('invalid-demand', rule)
    }
    for (const [index, { resources, constraints }] of shapes.entries()) {
      const problem = shapeProblem(resources) ?? constraintProblem(constraints)
      if (problem !== undefined)
        throw new ProtocolError('invalid-demand', `role ${role}, shape ${index + 1}: ${problem}`)
    }
  }
  return demands
}

/** Checked before. */
export function setDemands(turn: Turn, framework: Framework, demands: readonly Demand[]): void {
  const { frameworkId } = framework
  for (const { role, shapes } of demands) turn.state.allocator.setDemand(frameworkId, role, shapes)
}

/** What is wrong with these constraints, or undefined. */
export function constraintProblem(groups: ConstraintGroups | undefined = []): string | undefined {
  try {
    checkConstraints(groups)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function shapeProblem(wire: Parameters<typeof Resources.fromWire>[0]): string | undefined {
  try {
    const resources = Resources.fromWire(wire)
    if (resources.isEmpty) return 'resources must hold something, got nothing'
    const zero = Object.keys(wire).find(key => Resources.fromWire({ [key]: wire[key] ?? 0 }).isEmpty)
    return zero === undefined ? undefined : `amounts must be above 0, got ${zero}: ${String(wire[zero])}`
  } catch (error) {
    return (error as Error).message
  }
}
