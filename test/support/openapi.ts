import { describeProblems, type JsonSchema, validator, type Validator } from '@tender/sdk/protocol'
import { expect } from 'chai'

/**
 * Holds an answer against an OpenAPI description: its status must be described for this path, and its body be as the
 * schema says, without a field that the description does not name.
 *
 * @param path as in the description, or as asked: `/api/v1/agents/agent-1`
 * @param body parsed JSON, or the text of what is not JSON
 */
export function expectMatchesOpenApi(
  openapi: unknown,
  answer: { readonly method: string; readonly path: string; readonly status: number; readonly body: unknown },
): void {
  const { method, path, status, body } = answer
  const description = openapi as Description
  const where = `${method} ${path} ${status}`
  const template = templateOf(description, path)
  const response = description.paths[template ?? '']?.[method.toLowerCase()]?.responses[String(status)]
  expect(response, `${where} is not described`).to.be.an('object')
  const [schema] = Object.values(response?.content ?? {}).map(content => content.schema)
  if (!schema) return
  const checked = validatorOf(dereferenced(schema, description) as JsonSchema)(body)
  expect(checked.ok ? '' : describeProblems(checked.problems), where).to.equal('')
}

const validators = new Map<string, Validator<unknown>>()

/** Compiling takes longer than checking, and the same few schemas come again with each answer. */
function validatorOf(schema: JsonSchema): Validator<unknown> {
  const key = JSON.stringify(schema)
  const known = validators.get(key) ?? validator(schema)
  validators.set(key, known)
  return known
}

interface Description {
  readonly paths: Record<string, Record<string, { responses: Record<string, DescribedResponse> }>>
  readonly components: { readonly schemas: Record<string, JsonSchema> }
}

interface DescribedResponse {
  readonly content?: Record<string, { readonly schema: JsonSchema }>
}

function templateOf({ paths }: Description, path: string): string | undefined {
  const plain = path.split('?')[0] ?? ''
  if (paths[plain]) return plain
  // A role is the one parameter that holds slashes.
  const pattern = (template: string) => template.replace('{role}', '.+').replace(/\{\w+\}/g, '[^/]+')
  return Object.keys(paths).find(template => new RegExp(`^${pattern(template)}$`).test(plain))
}

/** The schema without references, and closed: what it does not name is not allowed. */
function dereferenced(value: unknown, description: Description): unknown {
  if (Array.isArray(value)) return value.map(item => dereferenced(item, description))
  if (typeof value !== 'object' || value === null) return value
  const reference = (value as { $ref?: unknown }).$ref
  if (typeof reference === 'string') {
    const name = reference.replace('#/components/schemas/', '')
    return dereferenced(description.components.schemas[name], description)
  }
  const entries = Object.entries(value).map(([key, item]) => [key, dereferenced(item, description)])
  const isClosed = 'properties' in value && !('additionalProperties' in value)
  return { ...Object.fromEntries(entries), ...(isClosed ? { additionalProperties: false } : {}) }
}
