import { array, object, oneOf, optional, string } from './schema.js'
import type { ErrorCode, Infer, Reply } from '@tender/sdk/protocol'

export const httpErrorCodes = [
  'bad-request',
  'not-found',
  'method-not-allowed',
  'ambiguous-task',
  'cross-site',
  'too-large',
  'not-json',
  'no-leader',
  'agent-unavailable',
  'internal',
] as const

/** Why an operator's call was refused, of the protocol's codes, and the status of the answer. */
const statusByRefusal = {
  malformed: 400,
  'invalid-agent': 400,
  'invalid-role': 400,
  'invalid-quota': 400,
  'invalid-resources': 400,
  'invalid-operation': 400,
  'unknown-agent': 404,
  'unknown-role': 404,
  'unknown-reservation': 404,
  'insufficient-resources': 409,
  'quota-exceeded': 409,
  'quota-unsatisfiable': 409,
  'resources-in-use': 409,
  'agent-unavailable': 503,
  'registry-unavailable': 503,
  'not-leader': 503,
  timeout: 503,
} as const satisfies { readonly [C in ErrorCode]?: number }

export type RefusalCode = keyof typeof statusByRefusal

/** The body of every answer that is an error. */
export const errorView = object({
  code: oneOf([...new Set([...httpErrorCodes, ...(Object.keys(statusByRefusal) as RefusalCode[])])]),
  message: string({ description: 'what was wrong, what is allowed, and what came' }),
  frameworkIds: optional(array(string(), { description: 'whose task could be meant, for ambiguous-task' })),
})

export type ErrorView = Infer<typeof errorView>

const statusByCode = {
  ...statusByRefusal,
  'bad-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'ambiguous-task': 409,
  'cross-site': 403,
  'too-large': 413,
  'not-json': 415,
  'no-leader': 503,
  'agent-unavailable': 503,
  internal: 500,
} as const satisfies Record<ErrorView['code'], number>

/** Ends a request with an error that its caller understands. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly body: ErrorView

  constructor(body: ErrorView, options?: ErrorOptions) {
    super(body.message, options)
    this.body = body
  }

  get status(): number {
    return statusByCode[this.body.code]
  }
}

/** The refusal of an operator's call; a code that has no business here is our own bug. */
export function refusal({ code = 'malformed', message = 'refused, and it is not said why' }: Reply): Error {
  return isRefusal(code)
    ? new HttpError({ code, message })
    : new Error(`an operator's call was answered ${code}: ${message}`)
}

function isRefusal(code: ErrorCode): code is RefusalCode & ErrorCode {
  return code in statusByRefusal
}

/** @param listPath where those that there are can be read */
export function notFound(what: string, id: string, listPath: string): HttpError {
  return new HttpError({
    code: 'not-found',
    message: `there is no ${what} '${id}'; GET ${listPath} lists all`,
  })
}
