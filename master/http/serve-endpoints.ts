import { type Request, type Response, type RequestHandler, Router } from 'express'
import { parseJson, readBody, refuseBody, sameSite } from './body.js'
import { type Call, type Endpoint, methodOf, type WriteEndpoint } from './endpoint.js'
import { HttpError, refusal } from './errors.js'
import { readQuery } from './query.js'

/** Makes routes of the endpoints. */
export function serveEndpoints(endpoints: readonly Endpoint[], leaderOnly: RequestHandler): Router {
  const router = Router()
  for (const [path, methods] of byPath(endpoints)) {
    const route = router.route(expressPath(path))
    for (const endpoint of methods) {
      const isWrite = endpoint.kind === 'write'
      const handlers = [
        ...(isWrite ? [sameSite] : []),
        ...(endpoint.anyMaster ? [] : [leaderOnly]),
        ...(isWrite ? [parseJson] : []),
      ]
      route[methodOf(endpoint)](...handlers, (request, response) => answer(endpoint, request, response))
    }
    const allowed = methods.flatMap(endpoint =>
      endpoint.kind === 'write' ? endpoint.method.toUpperCase() : ['GET', 'HEAD'],
    )
    route.all((request, response) => {
      response.set('Allow', allowed.join(', '))
      const message = `${path} takes ${listed(allowed)}, got ${request.method}`
      throw new HttpError({ code: 'method-not-allowed', message })
    })
  }
  return router
}

async function answer(endpoint: Endpoint, request: Request, response: Response): Promise<void> {
  const query = readQuery(request.query, endpoint.query ?? {})
  const call: Call = { path: pathOf(request), query, request, response }
  response.set('Cache-Control', 'no-store')
  switch (endpoint.kind) {
    case 'stream':
      return await endpoint.write(call)
    case 'json':
      response.json(endpoint.read(call))
      return
    case 'write':
      response.json(await write(endpoint, call))
  }
}

async function write(endpoint: WriteEndpoint, call: Call): Promise<unknown> {
  if (!endpoint.body) refuseBody(call.request)
  const body = endpoint.body && readBody(call.request, endpoint.body)
  const reply = await endpoint.perform(call, body)
  if (!reply.ok) throw refusal(reply)
  return reply.result
}

function byPath(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const groups = new Map<string, Endpoint[]>()
  for (const endpoint of endpoints)
    groups.set(endpoint.path, [...(groups.get(endpoint.path) ?? []), endpoint])
  return groups
}

/** `GET, HEAD and PUT` */
function listed(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(' and ')
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
