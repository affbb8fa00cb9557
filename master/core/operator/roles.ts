import { ProtocolError } from '@tender/sdk/protocol'
import { quantitiesToText, quantitiesToWire, roleProblem } from '@tender/sdk/values'
import type { Quota } from '../../allocator/types.js'
import { recordVersion, type RegistryRecord } from '../../registry/records.js'
import { rescind } from '../offers.js'
import type { MasterState } from '../state.js'
import type { Turn } from '../turn.js'
import type { ChangeView } from '../view.js'
import { knowsRole } from '../views.js'
import { changeOf, type Decision } from './decision.js'

/** All standing offers are taken back: they were made by another order. */
export function setWeight(state: MasterState, { role, weight }: { role: string; weight: number }): Decision {
  checkRole(role)
  return {
    records: [roleRecord(role, weight, state.allocator.quota(role))],
    take: turn => {
      const changes = takeWeight(turn, role, weight)
      noteRole(turn, role)
      return changes
    },
  }
}

/** The default weight, and no quota; a role that nobody uses is forgotten. */
export function resetRole(state: MasterState, { role }: { role: string }): Decision {
  if (!knowsRole(state, role)) throw new ProtocolError('unknown-role', `no role ${role} is known`)
  return {
    records: [{ kind: 'role', id: role, value: undefined }],
    take: turn => {
      turn.state.roles.delete(role)
      const isOther = turn.state.allocator.weight(role) !== 1
      const changes = isOther ? takeWeight(turn, role, 1) : []
      return [...changes, ...takeQuota(turn, role, undefined)]
    },
  }
}

/** @throws ProtocolError `invalid-role`. A role need not be known: it is from now on */
export function checkRole(role: string): void {
  const rule = roleProblem(role)
  if (rule !== undefined) throw new ProtocolError('invalid-role', `${rule}, got '${role}'`)
}

/** A role is kept for as long as something was set for it. */
export function noteRole({ state: { allocator, roles } }: Turn, role: string): void {
  if (isDefault(allocator.weight(role), allocator.quota(role))) roles.delete(role)
  else roles.add(role)
}

function isDefault(weight: number, quota: Quota | undefined): boolean {
  return weight === 1 && quota === undefined
}

export function roleRecord(role: string, weight: number, quota: Quota | undefined): RegistryRecord {
  if (isDefault(weight, quota)) return { kind: 'role', id: role, value: undefined }
  const value = {
    v: recordVersion,
    role,
    weight,
    ...(quota
      ? { quota: { guarantee: quantitiesToWire(quota.guarantee), limit: quantitiesToWire(quota.limit) } }
      : {}),
  }
  return { kind: 'role', id: role, value }
}

export function takeQuota(turn: Turn, role: string, quota: Quota | undefined): ChangeView[] {
  const { allocator } = turn.state
  const before = allocator.quota(role)
  allocator.setQuota(role, quota)
  const text = (amounts: Quota['limit'] | undefined) => (amounts ? quantitiesToText(amounts) : '')
  const change = (field: keyof Quota) =>
    changeOf(`role ${role}`, field, text(before?.[field]), text(quota?.[field]))
  return [...change('guarantee'), ...change('limit')]
}

function takeWeight(turn: Turn, role: string, weight: number): ChangeView[] {
  const { allocator, offers } = turn.state
  const before = allocator.weight(role)
  allocator.setWeight(role, weight)
  for (const record of [...offers.values()]) rescind(turn, record, `the weight of role ${role} was set`)
  return changeOf(`role ${role}`, 'weight', String(before), String(weight))
}
