import { ProtocolError, type Reply } from '@tender/sdk/protocol'
import type { Framework } from './state.js'
import { done, type Turn } from './turn.js'
import { viewFramework } from './views.js'

/** No offers for these roles any more; those that stand stay. */
export function suppress(turn: Turn, framework: Framework, roles: readonly string[] | undefined): Reply {
  const concerned = rolesOf(framework, roles)
  framework.suppressedRoles = new Set([...framework.suppressedRoles, ...concerned])
  turn.state.allocator.suppress(framework.frameworkId, concerned)
  turn.event({ kind: 'framework', framework: viewFramework(turn.state, framework) })
  return done()
}

export function unsuppress(turn: Turn, framework: Framework, roles: readonly string[] | undefined): Reply {
  const concerned = rolesOf(framework, roles)
  framework.suppressedRoles = new Set(
    [...framework.suppressedRoles].filter(role => !concerned.includes(role)),
  )
  turn.state.allocator.unsuppress(framework.frameworkId, concerned)
  turn.event({ kind: 'framework', framework: viewFramework(turn.state, framework) })
  return done()
}

export function clearFilters(turn: Turn, framework: Framework, roles: readonly string[] | undefined): Reply {
  turn.state.allocator.clearFilters(framework.frameworkId, rolesOf(framework, roles))
  return done()
}

/** Mesos' one call for two things; here it is their sum. */
export function revive(turn: Turn, framework: Framework, roles: readonly string[] | undefined): Reply {
  clearFilters(turn, framework, roles)
  return unsuppress(turn, framework, roles)
}

/** @throws ProtocolError when the framework is not in one of them */
function rolesOf(framework: Framework, roles: readonly string[] | undefined): readonly string[] {
  const own = framework.info.roles
  const foreign = roles?.find(role => !own.includes(role))
  if (foreign !== undefined) {
    throw new ProtocolError(
      'unknown-role',
      `roles must be among the framework's own (${own.join(', ')}), got ${foreign}`,
    )
  }
  return roles ?? own
}
