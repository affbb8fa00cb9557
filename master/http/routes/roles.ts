import { schema } from '@tender/sdk/protocol'
import { operatorCalls, quotaOfRole } from '../../core/operator-calls.js'
import { changesView, roleQuotaView, type RoleView } from '../../core/view.js'
import { bodyOf } from '../body.js'
import { type Endpoint, jsonEndpoint, writeEndpoint } from '../endpoint.js'
import { HttpError } from '../errors.js'
import type { MasterPort } from '../port.js'
import { array, object, optional, string } from '../schema.js'
import { checkQuantities, readRole } from './values.js'

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
        master.operate({ kind: 'set-weight', role: readRole(path.role), weight }),
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/roles/{role}',
      summary: 'Back to weight 1 and no quota; a role that nobody uses is forgotten',
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate({ kind: 'reset-role', role: readRole(path.role) }),
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
      perform(_, { quotas, force }) {
        for (const [index, quota] of quotas.entries()) checkQuota(`quotas.${index}.`, quota)
        return master.operate({ kind: 'set-quotas', quotas, ...(force === undefined ? {} : { force }) })
      },
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
      perform({ path }, { force, ...amounts }) {
        const quota = { role: readRole(path.role), ...amounts }
        checkQuota('', quota)
        return master.operate({
          kind: 'set-quotas',
          quotas: [quota],
          ...(force === undefined ? {} : { force }),
        })
      },
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/quota/{role}',
      summary: 'Removes the quota of a role',
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate({ kind: 'set-quotas', quotas: [{ role: readRole(path.role) }] }),
    }),
  ]
}

function viewQuota({ role, quota }: RoleView) {
  return { role, ...quota }
}

interface Quota {
  readonly role: string
  readonly guarantee?: Readonly<Record<string, number>>
  readonly limit?: Readonly<Record<string, number>>
}

function checkQuota(where: string, quota: Quota): void {
  readRole(quota.role, `${where}role`)
  checkQuantities(`${where}guarantee`, quota.guarantee)
  checkQuantities(`${where}limit`, quota.limit)
}
