import { createServer } from 'node:http'
import type { Clock, Log } from '@tender/sdk/runtime'
import express from 'express'
import { answerErrors, unknownPath } from './answer-errors.js'
import { type Endpoint, jsonEndpoint } from './endpoint.js'
import type { EventHub } from './events.js'
import { securityHeaders } from './headers.js'
import { leaderOnly } from './leader-only.js'
import { listenOn } from './listen.js'
import type { MasterMetrics } from './metrics.js'
import { describeEndpoints } from './openapi.js'
import { servePage } from './page.js'
import type { MasterPort } from './port.js'
import { agentRoutes } from './routes/agents.js'
import { frameworkRoutes } from './routes/frameworks.js'
import { eventRoutes } from './routes/events.js'
import { explainRoutes } from './routes/explain.js'
import { listRoutes } from './routes/lists.js'
import { maintenanceRoutes } from './routes/maintenance.js'
import { masterRoutes } from './routes/master.js'
import { metricsRoutes } from './routes/metrics.js'
import { reservationRoutes } from './routes/reservations.js'
import { roleRoutes } from './routes/roles.js'
import { taskRoutes } from './routes/tasks.js'
import { serveEndpoints } from './serve-endpoints.js'

export interface HttpOptions {
  readonly master: MasterPort
  /** Where the master publishes its events. */
  readonly hub: EventHub
  readonly metrics: MasterMetrics
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** The built web page, `dist/master/web`. */
  readonly webDir: string
}

export interface HttpServer {
  /**
   * @param port 0 for any free one
   * @returns where it listens
   * @throws ListenError saying what to do
   */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>
  /** Ends all connections, event streams included. */
  close(): Promise<void>
}

/** The master's web endpoint: API, event stream, metrics and page. */
export function createHttpServer(options: HttpOptions): HttpServer {
  const server = createServer(createApp(options))
  return {
    async listen(host, port) {
      const address = await listenOn(server, host, port)
      return { host: address.address, port: address.port }
    },
    async close() {
      if (!server.listening) return
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        // Event streams would never end by themselves.
        server.closeAllConnections()
      })
    },
  }
}

function createApp(options: HttpOptions): express.Express {
  const { master, log } = options
  const toLeader = leaderOnly(master)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(securityHeaders)
  app.use(serveEndpoints(endpointsOf(options), toLeader))
  app.use(servePage(options.webDir, master, toLeader))
  app.use(unknownPath)
  app.use(answerErrors(log))
  return app
}

function endpointsOf({ master, hub, metrics, clock, log, version }: HttpOptions): Endpoint[] {
  const endpoints: Endpoint[] = [
    ...masterRoutes(master, hub, clock, version),
    ...listRoutes(master),
    ...roleRoutes(master),
    ...reservationRoutes(master),
    ...maintenanceRoutes(master),
    ...agentRoutes(master),
    ...frameworkRoutes(master),
    ...explainRoutes(master),
    ...taskRoutes(master, clock),
    ...eventRoutes(hub, clock, log),
    ...metricsRoutes(metrics),
  ]
  endpoints.push(
    jsonEndpoint({
      path: '/api/v1/openapi.json',
      summary: 'This description',
      answer: { type: 'object' },
      anyMaster: true,
      read: () => description,
    }),
  )
  const description = describeEndpoints(endpoints, version)
  return endpoints
}
