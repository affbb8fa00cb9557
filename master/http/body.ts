import {
  describeProblems,
  type Infer,
  type JsonSchema,
  schema,
  type Schema,
  validator,
  type Validator,
} from '@tender/sdk/protocol'
import express, { type Request, type RequestHandler } from 'express'
import { HttpError } from './errors.js'

/** A thousand quotas, or the host names of ten thousand agents, fit. */
export const maxBodyBytes = 1024 * 1024

export const parseJson: RequestHandler = express.json({ limit: maxBodyBytes, strict: false, type: isJson })

/**
 * A page of somebody else, open in an operator's browser, can send requests here. Browsers say where a request that
 * changes something comes from, and send JSON to others only after asking: so a foreign origin is refused, and so is a
 * body that does not say that it is JSON.
 */
export const sameSite: RequestHandler = (request, _response, next) => {
  const { origin, host = '' } = request.headers
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    throw new HttpError({
      code: 'cross-site',
      message: `pages of ${origin} may not change anything here; only those of http://${host}`,
    })
  }
  next()
}

/**
 * The body, as its schema says.
 * @throws HttpError naming the field, the rule and the value
 */
export function readBody<B>(request: Request, schema: Schema<B>): B {
  if (!isJson(request)) {
    if (isEmpty(request) && isAllOptional(schema)) return {} as B
    const got = request.headers['content-type'] ?? 'nothing'
    const message = `the header Content-Type must be application/json, got ${got}`
    throw new HttpError({ code: 'not-json', message })
  }
  const body = isEmpty(request) && !isAllOptional(schema) ? undefined : (request.body as unknown)
  const checked = validatorOf(schema)(body)
  if (checked.ok) return checked.value as B
  // `/quotas/0/role` is `quotas.0.role` here: the body is the only place where a field can be.
  const problems = checked.problems.map(problem => ({
    ...problem,
    path: problem.path === '' ? 'the body' : problem.path.slice(1).replaceAll('/', '.'),
  }))
  throw new HttpError({ code: 'bad-request', message: describeProblems(problems) })
}

/** @throws HttpError when a body came where there is none to be */
export function refuseBody(request: Request): void {
  if (isEmpty(request)) return
  throw new HttpError({ code: 'bad-request', message: `${request.method} ${request.path} takes no body` })
}

/** An object of these fields and no other. */
export function bodyOf<P extends Parameters<typeof schema.object>[0]>(
  properties: P,
): Schema<Infer<ReturnType<typeof schema.object<P>>>> {
  return schema.strict(schema.object(properties))
}

const validators = new WeakMap<JsonSchema, Validator<unknown>>()

/** A schema is compiled once, at the first body that is held against it. */
function validatorOf(schema: JsonSchema): Validator<unknown> {
  const known = validators.get(schema) ?? validator(schema)
  validators.set(schema, known)
  return known
}

function isJson({ headers }: { headers: Request['headers'] }): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '')
}

/** The body parser makes an empty object of an empty body. */
function isEmpty({ headers }: Request): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

function isAllOptional({ required }: JsonSchema): boolean {
  return Array.isArray(required) && required.length === 0
}

/** `null`, which a sandboxed page sends, has none. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
