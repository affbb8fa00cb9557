import type { Infer } from '@tender/sdk/protocol'
import { leaderView, stateView } from '../../core/view.js'
import type { Clock } from '@tender/sdk/runtime'
import type { EventHub } from '../events.js'
import { HttpError } from '../errors.js'
import { type Endpoint, jsonEndpoint } from '../endpoint.js'
import type { MasterPort } from '../port.js'
import { array, boolean, integer, object, oneOf, string } from '../schema.js'

export const healthView = object({
  status: oneOf(['healthy', 'unhealthy']),
  problems: array(string(), { description: 'what keeps this master from its work' }),
  isLeader: boolean(),
  version: string(),
  uptimeMs: integer({ minimum: 0 }),
})

export type HealthView = Infer<typeof healthView>

/** The master itself: health, who leads, and all there is at once. */
export function masterRoutes(master: MasterPort, hub: EventHub, clock: Clock, version: string): Endpoint[] {
  const startedAtMs = clock.now()
  return [
    jsonEndpoint({
      path: '/api/v1/health',
      summary: 'Whether this master can do its work; 503 with the same body when it cannot',
      answer: healthView,
      anyMaster: true,
      read({ response }): HealthView {
        const problems = master.problems()
        const isHealthy = problems.length === 0
        response.status(isHealthy ? 200 : 503)
        return {
          status: isHealthy ? 'healthy' : 'unhealthy',
          problems,
          isLeader: master.isLeader(),
          version,
          uptimeMs: clock.now() - startedAtMs,
        }
      },
    }),
    jsonEndpoint({
      path: '/api/v1/leader',
      summary: 'The leading master, as far as this one knows; isLeader says whether it is this one',
      answer: leaderView,
      errors: [503],
      anyMaster: true,
      read() {
        const leader = master.leader()
        if (!leader) throw noLeader()
        return leader
      },
    }),
    jsonEndpoint({
      path: '/api/v1/state',
      summary: 'Everything at one moment',
      answer: stateView,
      headers: {
        'X-Event-Id': 'the newest event that the state includes: go on with /api/v1/events?lastEventId=',
        'X-Now-Ms': "the leader's clock, in milliseconds since 1970",
      },
      read({ response }) {
        response.set({ 'X-Event-Id': hub.lastEventId, 'X-Now-Ms': String(clock.now()) })
        return master.state()
      },
    }),
  ]
}

export function noLeader(): HttpError {
  return new HttpError({
    code: 'no-leader',
    message: 'this master does not lead, and knows of no leader now; an election takes seconds, try again',
  })
}
