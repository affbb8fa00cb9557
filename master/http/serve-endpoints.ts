import { type Request, type Response, type RequestHandler, Router } from 'express'
import type { Call, Endpoint } from './endpoint.js'
import { HttpError } from './errors.js'
import { readQuery } from './query.js'

/** Makes routes of the endpoints. */
export function serveEndpoints(endpoints: readonly Endpoint[], leaderOnly: RequestHandler): Router {
  const router = Router()
  for (const endpoint of endpoints) {
    const path = expressPath(endpoint.path)
    const handlers = endpoint.anyMaster ? [] : [leaderOnly]
    router.get(path, ...handlers, (request, response) => answer(endpoint, request, response))
    router.all(path, (request, response) => {
      response.set('Allow', 'GET, HEAD')
      const message = `${endpoint.path}: only GET and HEAD are allowed, got ${request.method}`
      throw new HttpError({ code: 'method-not-allowed', message })
    })
  }
  return router
}

async function answer(endpoint: Endpoint, request: Request, response: Response): Promise<void> {
  const query = readQuery(request.query, endpoint.query ?? {})
  const call: Call = { path: pathOf(request), query, request, response }
  response.set('Cache-Control', 'no-store')
  if (endpoint.kind === 'stream') await endpoint.write(call)
  else response.json(endpoint.read(call))
}

/** `/roles/{role}` becomes `/roles/*role`, since a role has slashes; all other ids are one part of the path. */
function expressPath(path: string): string {
  return path.replace('{role}', '*role').replace(/\{(\w+)\}/g, ':$1')
}

function pathOf(request: Request): Record<string, string> {
  const params = Object.entries(request.params as Record<string, string | string[]>)
  return Object.fromEntries(
    params.map(([name, value]) => [name, Array.isArray(value) ? value.join('/') : value]),
  )
}
