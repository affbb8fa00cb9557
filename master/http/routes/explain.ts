import { explanation } from '../../core/view.js'
import { type Endpoint, jsonEndpoint } from '../endpoint.js'
import { HttpError, notFound } from '../errors.js'
import type { MasterPort } from '../port.js'
import { string } from '../schema.js'
import { wrong } from './values.js'

/** Why a framework has no more offers. */
export function explainRoutes(master: MasterPort): Endpoint[] {
  return [
    jsonEndpoint({
      path: '/api/v1/explain',
      summary:
        'Why a framework has no more offers: of each role, how many agents fell for which reason, and the smallest ' +
        'change that would let one through',
      query: {
        framework: string({ description: 'its id; must be given' }),
        role: string({ description: 'one of its roles; all unless told' }),
        agent: string({ description: 'the id of one agent; all unless told' }),
      },
      answer: explanation,
      errors: [404],
      read({ query }) {
        const { framework: frameworkId, role, agent: agentId } = query
        if (frameworkId === undefined) throw wrong('framework', "must be a framework's id", undefined)
        const framework = master.framework(frameworkId)
        if (!framework) throw notFound('framework', frameworkId, '/api/v1/frameworks')
        if (role !== undefined && !framework.roles.includes(role)) {
          const message = `framework '${frameworkId}' has no role '${role}'; it has ${framework.roles.join(', ')}`
          throw new HttpError({ code: 'not-found', message })
        }
        if (agentId !== undefined && !master.agent(agentId))
          throw notFound('agent', agentId, '/api/v1/agents')
        const found = master.explain({ frameworkId, role, agentId })
        if (!found) throw notFound('framework', frameworkId, '/api/v1/frameworks')
        return found
      },
    }),
  ]
}
