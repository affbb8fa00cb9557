import { schema } from '@tender/sdk/protocol'
import { type OperatorCall, operatorCalls, type QuotaOfRole, quotaOfRole } from '../../core/operator-calls.js'
import { changesView, roleQuotaView, type RoleView } from '../../core/view.js'
import { bodyOf } from '../body.js'
import { type Endpoint, jsonEndpoint, writeEndpoint } from '../endpoint.js'
import { HttpError } from '../errors.js'
import type { MasterPort } from '../port.js'
import { array, object, optional, string } from '../schema.js'

const { propertiesOf } = schema
const { weight } = propertiesOf(operatorCalls['set-weight'])
const { force } = propertiesOf(operatorCalls['set-quotas'])
const { guarantee, limit } = propertiesOf(quotaOfRole)

const quotaView = object({ role: string(), ...propertiesOf(roleQuotaView) })
const quotaBody = bodyOf({ guarantee, limit, force })
const quotasBody = bodyOf({
  quotas: array(bodyOf(propertiesOf(quotaOfRole)), { minItems: 1, maxItems: 1000 }),
  force: optional(force.optional),
})

/** What roles are worth, and what they are guaranteed and limited to. */
export function roleRoutes(master: MasterPort): Endpoint[] {
  return [
    writeEndpoint({
      method: 'put',
      path: '/api/v1/roles/{role}',
      summary: "Sets a role's weight; the role need not be used yet",
      body: bodyOf({ weight }),
      answer: changesView,
      perform: ({ path }, { weight }) =>
        master.operate({ kind: 'set-weight', role: path.role ?? '', weight }),
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/roles/{role}',
      summary: 'Back to weight 1 and no quota; a role that nobody uses is forgotten',
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate({ kind: 'reset-role', role: path.role ?? '' }),
    }),
    jsonEndpoint({
      path: '/api/v1/quota',
      summary: 'The quotas of all roles that have one',
      answer: array(quotaView),
      read: () => master.roles().flatMap(role => (role.quota ? [viewQuota(role)] : [])),
    }),
    writeEndpoint({
      method: 'put',
      path: '/api/v1/quota',
      summary: 'Sets the quotas of several roles, all or none; other roles keep theirs',
      body: quotasBody,
      answer: changesView,
      errors: [409],
      perform: (_, { quotas, force }) => master.operate(setQuotas(quotas, force)),
    }),
    jsonEndpoint({
      path: '/api/v1/quota/{role}',
      summary: 'The quota of one role',
      answer: quotaView,
      errors: [404],
      read({ path }) {
        const view = master.role(path.role ?? '')
        if (view?.quota) return viewQuota(view)
        const message = `role '${path.role ?? ''}' has no quota; GET /api/v1/quota lists all`
        throw new HttpError({ code: 'not-found', message })
      },
    }),
    writeEndpoint({
      method: 'put',
      path: '/api/v1/quota/{role}',
      summary: 'Sets guarantee and limit of a role; what is left out is none',
      body: quotaBody,
      answer: changesView,
      errors: [409],
      perform: ({ path }, { force, ...amounts }) =>
        master.operate(setQuotas([{ role: path.role ?? '', ...amounts }], force)),
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/quota/{role}',
      summary: 'Removes the quota of a role',
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate(setQuotas([{ role: path.role ?? '' }])),
    }),
  ]
}

function viewQuota({ role, quota }: RoleView) {
  return { role, ...quota }
}

function setQuotas(quotas: readonly QuotaOfRole[], force?: boolean): OperatorCall {
  return { kind: 'set-quotas', quotas, ...(force === undefined ? {} : { force }) }
}
