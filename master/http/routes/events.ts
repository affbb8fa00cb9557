import type { Clock, Log } from '@tender/sdk/runtime'
import { type Endpoint, streamEndpoint } from '../endpoint.js'
import { EventStream } from '../event-stream.js'
import type { EventHub } from '../events.js'
import { string } from '../schema.js'

export function eventRoutes(hub: EventHub, clock: Clock, log: Log): Endpoint[] {
  return [
    streamEndpoint({
      path: '/api/v1/events',
      summary:
        'What happens, as server-sent events: each message is a ClusterEvent with an id; `reset` tells to fetch the ' +
        'state anew, since something before it is not known here; `heartbeat` comes every 5 s with the time',
      query: {
        lastEventId: string({ description: 'go on after this event; the Last-Event-ID header wins' }),
      },
      contentType: 'text/event-stream',
      write({ query, request, response }) {
        if (request.method === 'HEAD') {
          response.type('text/event-stream').end()
          return
        }
        const stream = new EventStream(response, {
          hub,
          clock,
          lastEventId: request.get('Last-Event-ID') || query.lastEventId,
          onDropped: reason =>
            log.warn('a client of the event stream was too slow and has been dropped', { reason }),
        })
        stream.start()
      },
    }),
  ]
}
