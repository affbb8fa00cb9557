import type { JsonSchema } from '@tender/sdk/protocol'
import * as view from '../core/view.js'
import type { Endpoint } from './endpoint.js'
import { errorView } from './errors.js'
import { healthView } from './routes/master.js'

/** Each shape by the name it has in the description. */
const components = new Map<unknown, string>([
  [view.leaderView, 'Leader'],
  [view.agentView, 'Agent'],
  [view.frameworkView, 'Framework'],
  [view.roleView, 'Role'],
  [view.offerView, 'Offer'],
  [view.taskView, 'Task'],
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
    paths: Object.fromEntries(endpoints.map(endpoint => [endpoint.path, { get: operation(endpoint) }])),
    components: {
      schemas: Object.fromEntries(
        [...components].map(([schema, name]) => [name, withReferences(schema, schema)]),
      ),
    },
  }
}

function operation(endpoint: Endpoint): JsonSchema {
  const statuses = new Set([400, ...(endpoint.errors ?? []), ...(endpoint.anyMaster ? [] : [503])])
  const isHealth = endpoint.kind === 'json' && endpoint.answer === healthView
  return {
    summary: endpoint.summary,
    operationId: operationId(endpoint.path),
    parameters: [...pathParameters(endpoint), ...queryParameters(endpoint)],
    responses: {
      200: { description: 'as asked', ...headersOf(endpoint), content: content(endpoint) },
      ...(endpoint.anyMaster ? {} : { 307: { description: 'another master leads: ask there' } }),
      ...(isHealth ? { 503: { description: 'unhealthy', content: content(endpoint) } } : {}),
      ...Object.fromEntries(
        [...statuses].toSorted((a, b) => a - b).map(status => [status, errorAnswer(status)]),
      ),
    },
  }
}

const errorTexts: Readonly<Record<number, string>> = {
  400: 'a parameter is wrong',
  404: 'there is none',
  409: 'several could be meant',
  503: 'it cannot be answered now: no leader is known, or the agent cannot be reached',
}

function errorAnswer(status: number): JsonSchema {
  return {
    description: errorTexts[status] ?? 'an error',
    content: { 'application/json': { schema: withReferences(errorView) } },
  }
}

function content(endpoint: Endpoint): JsonSchema {
  return endpoint.kind === 'json'
    ? { 'application/json': { schema: withReferences(endpoint.answer) } }
    : { [endpoint.contentType]: { schema: { type: 'string' } } }
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

/** `/api/v1/tasks/{taskId}/logs` becomes `getTasksByTaskIdLogs`. */
function operationId(path: string): string {
  const parts = path.replace('/api/v1', '').split(/[/.]/).filter(Boolean)
  const words = parts.map(part => part.replace('{', 'by-').replace('}', ''))
  return words.reduce(
    (id, word) => id + word.replace(/(^|-)(\w)/g, (_, _dash: string, letter: string) => letter.toUpperCase()),
    'get',
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
