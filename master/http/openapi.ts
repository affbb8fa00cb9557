import type { JsonSchema } from '@tender/sdk/protocol'
import * as view from '../core/view.js'
import { type Endpoint, methodOf } from './endpoint.js'
import { errorView } from './errors.js'
import { healthView } from './routes/master.js'

/** Each shape by the name it has in the description. */
const components = new Map<unknown, string>([
  [view.leaderView, 'Leader'],
  [view.agentView, 'Agent'],
  [view.frameworkView, 'Framework'],
  [view.roleView, 'Role'],
  [view.roleQuotaView, 'RoleQuota'],
  [view.offerView, 'Offer'],
  [view.taskView, 'Task'],
  [view.inverseOfferView, 'InverseOffer'],
  [view.agentExplanation, 'AgentExplanation'],
  [view.explanation, 'Explanation'],
  [view.changesView, 'Changes'],
  [view.stateView, 'State'],
  [view.clusterEvent, 'ClusterEvent'],
  [healthView, 'Health'],
  [errorView, 'Error'],
])

/** The OpenAPI 3.1 description of the endpoints. */
export function describeEndpoints(endpoints: readonly Endpoint[], version: string): JsonSchema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tender master',
      version,
      description:
        'What the leading master knows. A master that does not lead answers 307 to the leader, or 503 while there is none.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: pathsOf(endpoints),
    components: {
      schemas: Object.fromEntries(
        [...components].map(([schema, name]) => [name, withReferences(schema, schema)]),
      ),
    },
  }
}

function pathsOf(endpoints: readonly Endpoint[]): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const endpoint of endpoints) {
    paths[endpoint.path] = { ...paths[endpoint.path], [methodOf(endpoint)]: operation(endpoint) }
  }
  return paths
}

function operation(endpoint: Endpoint): JsonSchema {
  const isWrite = endpoint.kind === 'write'
  const statuses = new Set([
    400,
    ...(endpoint.errors ?? []),
    ...(endpoint.anyMaster ? [] : [503]),
    ...(isWrite ? [403] : []),
    ...(isWrite && endpoint.body ? [413, 415] : []),
  ])
  const isHealth = endpoint.kind === 'json' && endpoint.answer === healthView
  return {
    summary: endpoint.summary,
    operationId: operationId(endpoint),
    parameters: [...pathParameters(endpoint), ...queryParameters(endpoint)],
    ...(isWrite && endpoint.body ? { requestBody: requestBody(endpoint.body) } : {}),
    responses: {
      200: {
        description: isWrite ? 'done: what has changed' : 'as asked',
        ...headersOf(endpoint),
        content: content(endpoint),
      },
      ...(endpoint.anyMaster ? {} : { 307: { description: 'another master leads: ask there' } }),
      ...(isHealth ? { 503: { description: 'unhealthy', content: content(endpoint) } } : {}),
      ...Object.fromEntries(
        [...statuses].toSorted((a, b) => a - b).map(status => [status, errorAnswer(status)]),
      ),
    },
  }
}

function requestBody(body: JsonSchema): JsonSchema {
  const required = (body.required as readonly string[]).length > 0
  return { required, content: { 'application/json': { schema: withReferences(body) } } }
}

const errorTexts: Readonly<Record<number, string>> = {
  400: 'a parameter or the body is wrong',
  403: 'it comes from a page of somebody else',
  404: 'there is none',
  409: 'several could be meant, or it cannot be done as things are',
  413: 'the body is too large',
  415: 'the body is not JSON',
  503: 'it cannot be done now: no leader is known, or the agent or the registry cannot be reached',
}

function errorAnswer(status: number): JsonSchema {
  return {
    description: errorTexts[status] ?? 'an error',
    content: { 'application/json': { schema: withReferences(errorView) } },
  }
}

function content(endpoint: Endpoint): JsonSchema {
  return endpoint.kind === 'stream'
    ? { [endpoint.contentType]: { schema: { type: 'string' } } }
    : { 'application/json': { schema: withReferences(endpoint.answer) } }
}

function headersOf({ headers }: Endpoint): JsonSchema {
  if (!headers) return {}
  const entries = Object.entries(headers)
  return {
    headers: Object.fromEntries(
      entries.map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
    ),
  }
}

function pathParameters({ path }: Endpoint): JsonSchema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters({ query = {} }: Endpoint): JsonSchema[] {
  return Object.entries(query).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}

/** `GET /api/v1/tasks/{taskId}/logs` becomes `getTasksByTaskIdLogs`. */
function operationId(endpoint: Endpoint): string {
  const parts = endpoint.path.replace('/api/v1', '').split(/[/.]/).filter(Boolean)
  const words = parts.map(part => part.replace('{', 'by-').replace('}', ''))
  return words.reduce(
    (id, word) => id + word.replace(/(^|-)(\w)/g, (_, _dash: string, letter: string) => letter.toUpperCase()),
    methodOf(endpoint) as string,
  )
}

/** The schema, with a reference wherever one of the named shapes is inside. */
function withReferences(schema: unknown, root?: unknown): JsonSchema {
  return referenced(schema, root) as JsonSchema
}

function referenced(value: unknown, root: unknown): unknown {
  const name = components.get(value)
  if (name && value !== root) return { $ref: `#/components/schemas/${name}` }
  if (Array.isArray(value)) return value.map(item => referenced(item, root))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, referenced(item, root)]))
}
