import { ProtocolError } from '@tender/sdk/protocol'
import { kindOf, type Quantities, toThousandths } from '@tender/sdk/values'
import type { Quota } from '../../allocator/types.js'
import { claimOf, rescind } from '../offers.js'
import type { QuotaOfRole } from '../operator-calls.js'
import type { MasterState } from '../state.js'
import type { Turn } from '../turn.js'
import type { Decision } from './decision.js'
import { checkRole, noteRole, roleRecord, takeQuota } from './roles.js'

interface Call {
  readonly quotas: readonly QuotaOfRole[]
  readonly force?: boolean
}

/** Sets guarantees and limits of some roles, all or none. Tasks go on, whatever they hold. */
export function setQuotas(state: MasterState, { quotas, force = false }: Call): Decision {
  const changes = quotas.map(({ role, guarantee, limit }) => {
    checkRole(role)
    return { role, quota: readQuota(role, guarantee, limit) }
  })
  const twice = changes.find(({ role }, index) => changes.findIndex(each => each.role === role) !== index)
  if (twice) throw new ProtocolError('invalid-quota', `a role is named once, got ${twice.role} twice`)
  const problem = state.allocator.quotaProblem(changes, force)
  if (problem) throw new ProtocolError(problem.code, problem.message)
  return {
    records: changes.map(({ role, quota }) =>
      roleRecord(role, state.allocator.weight(role), quotaOrNone(quota)),
    ),
    take: turn => {
      const changed = changes.flatMap(({ role, quota }) => {
        const made = takeQuota(turn, role, quotaOrNone(quota))
        noteRole(turn, role)
        return made
      })
      makeWay(turn)
      return changed
    },
  }
}

/** From decimals by name. @throws RangeError */
export function quotaFromWire({
  guarantee,
  limit,
}: {
  readonly guarantee: Readonly<Record<string, number>>
  readonly limit: Readonly<Record<string, number>>
}): Quota {
  return { guarantee: quantitiesOf(guarantee), limit: quantitiesOf(limit) }
}

/** Offers that stand in a guarantee's way come back: the newest first, until none does. */
function makeWay(turn: Turn): void {
  const { allocator, offers } = turn.state
  for (const record of [...offers.values()].toReversed()) {
    if (allocator.standsInTheWay(claimOf(record))) rescind(turn, record, 'a quota was set')
  }
}

function readQuota(
  role: string,
  guarantee: QuotaOfRole['guarantee'] = {},
  limit: QuotaOfRole['limit'] = {},
): Quota {
  try {
    for (const name of [...Object.keys(guarantee), ...Object.keys(limit)]) {
      if (kindOf(name).name !== name)
        throw new RangeError(`a quota is of plain names, whatever the kind, got ${name}`)
    }
    return quotaFromWire({ guarantee, limit })
  } catch (error) {
    throw new ProtocolError('invalid-quota', `role ${role}: ${(error as Error).message}`)
  }
}

/** A guarantee of nothing is none; a limit of nothing is one. */
function quotaOrNone({ guarantee, limit }: Quota): Quota | undefined {
  const promised = new Map([...guarantee].filter(([, thousandths]) => thousandths > 0))
  return promised.size === 0 && limit.size === 0 ? undefined : { guarantee: promised, limit }
}

function quantitiesOf(amounts: Readonly<Record<string, number>>): Quantities {
  return new Map(Object.entries(amounts).map(([name, amount]) => [name, toThousandths(amount)]))
}
