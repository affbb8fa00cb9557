import type { ErrorCode } from '@tender/sdk/protocol'
import {
  fromThousandths,
  kindOf,
  type Quantities,
  quantitiesToText,
  reservedRole,
  type Resources,
  sizeOf,
} from '@tender/sdk/values'
import { isCountedByQuota } from './cut.js'
import type { RoleNode } from './role-tree.js'
import type { AllocatorState } from './state.js'
import type { Claim, Quota } from './types.js'
import { addTo, amountOf, type Amounts, bump } from './vectors.js'

export interface QuotaChange {
  readonly role: string
  readonly quota: Quota
}

export interface QuotaProblem {
  readonly code: ErrorCode
  readonly message: string
}

/**
 * Why these quotas cannot be set together, or undefined. A guarantee beyond its own limit, or beyond one above it, is
 * never right; that the cluster cannot satisfy the guarantees, or that a limit is exceeded already, can be forced.
 */
export function quotaProblem(
  state: AllocatorState,
  changes: readonly QuotaChange[],
  force: boolean,
): QuotaProblem | undefined {
  const quotas = new Map<string, Quota>()
  for (const { role, quota } of state.tree.quotaNodes) if (quota) quotas.set(role, quota)
  for (const { role, quota } of changes) quotas.set(role, quota)
  for (const { role, quota } of changes) {
    const problem = limitProblem(quotas, role, quota)
    if (problem !== undefined) return { code: 'invalid-quota', message: problem }
  }
  if (force) return undefined
  const unsatisfiable = changes.some(({ quota }) => quota.guarantee.size > 0)
    ? capacityProblem(state, quotas)
    : undefined
  if (unsatisfiable !== undefined) return { code: 'quota-unsatisfiable', message: unsatisfiable }
  for (const { role, quota } of changes) {
    const problem = excessProblem(state, role, quota.limit)
    if (problem !== undefined) return { code: 'quota-exceeded', message: problem }
  }
  return undefined
}

function limitProblem(quotas: ReadonlyMap<string, Quota>, role: string, quota: Quota): string | undefined {
  for (const above of pathsUp(role)) {
    const limit = quotas.get(above)?.limit
    for (const [name, guarantee] of quota.guarantee) {
      const most = limit?.get(name)
      if (most === undefined || guarantee <= most) continue
      return `the guarantee of role ${role} must be within the limit of ${above === role ? 'its own' : `role ${above}`}, ${name}:${fromThousandths(most)}, got ${name}:${fromThousandths(guarantee)}`
    }
  }
  // A limit may not be set below what is guaranteed further down either.
  for (const [below, { guarantee }] of quotas) {
    if (below === role || !below.startsWith(`${role}/`)) continue
    for (const [name, most] of quota.limit) {
      const amount = guarantee.get(name) ?? 0
      if (amount > most)
        return `the limit of role ${role} must hold the guarantee of role ${below}, ${name}:${fromThousandths(amount)}, got ${name}:${fromThousandths(most)}`
    }
  }
  return undefined
}

/** What guarantees need beyond the reservations of their roles must be there, unreserved, used or not. */
function capacityProblem(state: AllocatorState, quotas: ReadonlyMap<string, Quota>): string | undefined {
  const { names } = state
  const total: Amounts = []
  for (const agent of state.agents.values()) addTo(total, state.vectors.of(agent.total).unreserved, 1)
  const required = requiredOf(state, quotas)
  for (let id = 0; id < required.length; id++) {
    const [need, has] = [amountOf(required, id), amountOf(total, id)]
    if (need > has) {
      const name = names.name(id)
      return `all guarantees together must be within what the cluster has unreserved, ${name}:${fromThousandths(has)}, got ${name}:${fromThousandths(need)} beyond the roles' own reservations`
    }
  }
  return undefined
}

function requiredOf(state: AllocatorState, quotas: ReadonlyMap<string, Quota>): Amounts {
  const needs = new Map<string, Amounts>()
  const below = new Map<string, Amounts>()
  const roles = new Set([...quotas.keys()].flatMap(role => [...pathsUp(role)]))
  // The deepest first, so that what is below a role is known when it comes.
  for (const role of [...roles].toSorted((a, b) => b.split('/').length - a.split('/').length)) {
    const need: Amounts = []
    addTo(need, below.get(role) ?? [], 1)
    for (const [name, amount] of quotas.get(role)?.guarantee ?? []) {
      const id = state.names.id(name)
      const missing = Math.max(0, amount - amountOf(state.tree.find(role)?.reserved ?? [], id))
      bump(need, id, Math.max(0, missing - amountOf(need, id)))
    }
    needs.set(role, need)
    const parent = role.includes('/') ? role.slice(0, role.lastIndexOf('/')) : ''
    const sum = below.get(parent) ?? []
    addTo(sum, need, 1)
    below.set(parent, sum)
  }
  return below.get('') ?? []
}

function excessProblem(state: AllocatorState, role: string, limit: Quantities): string | undefined {
  const node = state.tree.find(role)
  for (const [name, most] of limit) {
    const consumed = node?.consumed(state.names.id(name)) ?? 0
    if (consumed > most)
      return `role ${role} consumes ${name}:${fromThousandths(consumed)} already, which must be within its limit ${quantitiesToText(limit)}`
  }
  return undefined
}

/** A role and those above it. */
function* pathsUp(role: string): Generator<string> {
  for (let path = role; ; path = path.slice(0, path.lastIndexOf('/'))) {
    yield path
    if (!path.includes('/')) return
  }
}

/** Whether more would be free for guarantees if this came back: what its own role is guaranteed does not count. */
export function standsInTheWay(state: AllocatorState, claim: Claim): boolean {
  const agent = state.agents.get(claim.agentId)
  const leaf = state.tree.findLeaf(claim.role)
  if (!agent?.isOfferable || !leaf) return false
  const { unreserved } = state.vectors.of(claim.resources)
  for (let id = 0; id < unreserved.length; id++) {
    const amount = amountOf(unreserved, id)
    const shortBy = -state.surplus(id)
    if (amount <= 0 || shortBy <= 0) continue
    const after = state.tree.requiredAfter(leaf, id, -amount) - (amountOf(state.freeUnreserved, id) + amount)
    if (after < shortBy) return true
  }
  return false
}

/** Why resources cannot become reserved so because of a limit, or undefined. What their holder consumes goes over. */
export function reservationProblem(
  state: AllocatorState,
  from: Resources,
  to: Resources,
  holderRole: string | undefined,
): string | undefined {
  const changes = new Map<string, Amounts>()
  const count = (role: string, id: number, by: number): void => {
    for (const path of pathsUp(role)) {
      const amounts = changes.get(path) ?? []
      bump(amounts, id, by)
      changes.set(path, amounts)
    }
  }
  for (const [resources, sign] of [
    [from, -1],
    [to, 1],
  ] as const) {
    for (const [key, value] of resources.entries()) {
      const kind = kindOf(key)
      const isScalar = value.kind === 'scalar' || value.kind === 'pieces'
      const amount = isScalar ? sizeOf(value) : 0
      const role = reservedRole(kind) ?? (isCountedByQuota(kind) ? holderRole : undefined)
      if (role !== undefined && amount > 0) count(role, state.names.id(kind.name), sign * amount)
    }
  }
  for (const [role, amounts] of changes) {
    const node: RoleNode | undefined = state.tree.find(role)
    for (let id = 0; id < amounts.length; id++) {
      const limit = node?.limit[id]
      const more = amountOf(amounts, id)
      if (!node || limit === undefined || more <= 0 || node.consumed(id) + more <= limit) continue
      const name = state.names.name(id)
      return `the limit of role ${role}, ${name}:${fromThousandths(limit)}, must hold what it consumes and ${name}:${fromThousandths(more)} more; it consumes ${name}:${fromThousandths(node.consumed(id))}`
    }
  }
  return undefined
}
