import { array, object, oneOf, optional, string } from './schema.js'
import type { Infer } from '@tender/sdk/protocol'

export const httpErrorCodes = [
  'bad-request',
  'not-found',
  'method-not-allowed',
  'ambiguous-task',
  'no-leader',
  'agent-unavailable',
  'internal',
] as const

/** The body of every answer that is an error. */
export const errorView = object({
  code: oneOf(httpErrorCodes),
  message: string({ description: 'what was wrong, what is allowed, and what came' }),
  frameworkIds: optional(array(string(), { description: 'whose task could be meant, for ambiguous-task' })),
})

export type ErrorView = Infer<typeof errorView>

const statusByCode = {
  'bad-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'ambiguous-task': 409,
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

/** @param listPath where those that there are can be read */
export function notFound(what: string, id: string, listPath: string): HttpError {
  return new HttpError({
    code: 'not-found',
    message: `there is no ${what} '${id}'; GET ${listPath} lists all`,
  })
}
