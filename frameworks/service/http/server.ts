import type { Log } from '@tender/sdk'
import express, { type Express } from 'express'
import { appRoutes } from './app-routes.js'
import { maxBodyBytes, parseJson } from './body.js'
import type { ServiceApi } from './change-app.js'
import { errorHandler, HttpError } from './errors.js'

export interface ServiceInfo {
  readonly name: string
  readonly version: string
  readonly frameworkId: string
  readonly cluster: string
}

/** The HTTP API: Marathon's subset `/v2/apps`, and what tells that the process is well. */
export function createHttp(service: ServiceApi, info: ServiceInfo, log: Log): Express {
  const http = express()
  http.disable('x-powered-by')
  http.disable('etag')
  http.use(parseJson)
  http.get('/ping', (_request, response) => {
    response.type('text').send('pong')
  })
  http.get('/health', (_request, response) => {
    const { isConnected, reason } = service.connection
    response.json({
      status: 'ok',
      isConnected,
      ...(isConnected ? {} : { reason }),
      apps: service.apps().length,
    })
  })
  http.get('/v2/info', (_request, response) => {
    response.json({ ...info, role: service.role, elected: true })
  })
  http.use(appRoutes(service))
  http.use(request => {
    throw new HttpError(
      404,
      `there is no ${request.method} ${request.path}; see frameworks/service/README.md`,
    )
  })
  http.use(errorHandler(log, maxBodyBytes))
  return http
}
