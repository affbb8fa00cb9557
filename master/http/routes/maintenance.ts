import { schema, unavailability } from '@tender/sdk/protocol'
import { operatorCalls } from '../../core/operator-calls.js'
import { changesView, inverseOfferView } from '../../core/view.js'
import { bodyOf } from '../body.js'
import { type Endpoint, jsonEndpoint, writeEndpoint } from '../endpoint.js'
import { HttpError } from '../errors.js'
import type { MasterPort } from '../port.js'
import { array, object, optional, string } from '../schema.js'
import { readInstant } from './values.js'

const { propertiesOf } = schema
const { agentIds } = propertiesOf(operatorCalls['set-maintenance'])
const { startMs, durationMs } = propertiesOf(unavailability)
const { hostnames } = propertiesOf(operatorCalls['set-whitelist'])

const windowBody = bodyOf({
  agentIds,
  startMs: optional(startMs),
  start: optional(string({ description: 'instead of startMs, such as 2030-01-31T22:00:00Z' })),
  durationMs,
})

const windowView = object({
  agentId: string(),
  hostname: string(),
  unavailability,
  /** What frameworks have been asked to leave it, and what they say. */
  inverseOffers: array(inverseOfferView),
})

const whitelistView = object({ hostnames })

/** When agents will not be there, and which are offered at all. */
export function maintenanceRoutes(master: MasterPort): Endpoint[] {
  return [
    jsonEndpoint({
      path: '/api/v1/maintenance',
      summary: 'The agents that have a maintenance window',
      answer: array(windowView),
      read() {
        const { agents, inverseOffers = [] } = master.state()
        return agents.flatMap(({ agentId, hostname, unavailability }) => {
          if (!unavailability) return []
          const ofAgent = inverseOffers.filter(offer => offer.agentId === agentId)
          return [{ agentId, hostname, unavailability, inverseOffers: ofAgent }]
        })
      },
    }),
    writeEndpoint({
      method: 'put',
      path: '/api/v1/maintenance',
      summary: 'Gives these agents a window, in place of the one they had; other agents keep theirs',
      body: windowBody,
      answer: changesView,
      errors: [404],
      perform(_, { agentIds, startMs, start, durationMs }) {
        const window = {
          startMs: readStart(startMs, start),
          ...(durationMs === undefined ? {} : { durationMs }),
        }
        return master.operate({ kind: 'set-maintenance', agentIds, unavailability: window })
      },
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/maintenance',
      summary: 'Takes the window from these agents',
      body: bodyOf({ agentIds }),
      answer: changesView,
      errors: [404],
      perform: (_, { agentIds }) => master.operate({ kind: 'set-maintenance', agentIds }),
    }),
    jsonEndpoint({
      path: '/api/v1/whitelist',
      summary: 'The host names of the agents that are offered; without hostnames, all are',
      answer: whitelistView,
      read() {
        const { whitelist } = master.state()
        return whitelist === undefined ? {} : { hostnames: whitelist }
      },
    }),
    writeEndpoint({
      method: 'put',
      path: '/api/v1/whitelist',
      summary: 'Only agents of these host names are offered from now on',
      body: bodyOf({ hostnames: hostnames.optional }),
      answer: changesView,
      perform: (_, { hostnames = [] }) => master.operate({ kind: 'set-whitelist', hostnames }),
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/whitelist',
      summary: 'All agents are offered again',
      answer: changesView,
      perform: () => master.operate({ kind: 'set-whitelist' }),
    }),
  ]
}

function readStart(startMs: number | undefined, start: string | undefined): number {
  if (startMs !== undefined && start === undefined) return startMs
  if (start !== undefined && startMs === undefined) return readInstant('start', start)
  const got = start === undefined ? 'neither' : 'both'
  throw new HttpError({ code: 'bad-request', message: `one of startMs and start must be given, got ${got}` })
}
