import { type Endpoint, streamEndpoint } from '../endpoint.js'
import type { MasterMetrics } from '../metrics.js'

export function metricsRoutes(metrics: MasterMetrics): Endpoint[] {
  return [
    streamEndpoint({
      path: '/metrics',
      summary: 'Figures for Prometheus',
      contentType: 'text/plain',
      anyMaster: true,
      async write({ response }) {
        const text = await metrics.read()
        response.type(metrics.contentType).send(text)
      },
    }),
  ]
}
