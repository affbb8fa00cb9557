import type { Log } from '@tender/sdk/runtime'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { maxBodyBytes } from './body.js'
import { type ErrorView, HttpError } from './errors.js'

const leaderless: ReadonlySet<ErrorView['code']> = new Set(['no-leader', 'not-leader'])

/** What no route has taken. */
export const unknownPath: RequestHandler = request => {
  throw new HttpError({
    code: 'not-found',
    message: `there is nothing at ${request.path}; GET /api/v1/openapi.json describes what there is`,
  })
}

/** Every error becomes one JSON shape; what only we need to know of it goes to the log. */
export function answerErrors(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const known = knownError(error, request.path)
    if (!known)
      log.error('a request failed: this is a bug', { method: request.method, path: request.path, error })
    // Too late for words: a broken connection says that the answer is not whole.
    if (response.headersSent) {
      response.destroy()
      return
    }
    const answer =
      known ?? new HttpError({ code: 'internal', message: 'the master failed; its log says how' })
    // An election takes about a lease; whoever asks again in a second is soon answered.
    if (leaderless.has(answer.body.code)) response.set('Retry-After', '1')
    response.status(answer.status).set('Cache-Control', 'no-store').json(answer.body)
  }
}

function knownError(error: unknown, path: string): HttpError | undefined {
  if (error instanceof HttpError) return error
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown }
  // The body parser's own have a type.
  if (typeof type === 'string') return bodyError(type, (error as Error).message)
  // The router's own, such as a path whose % is not followed by two digits.
  if (status === 400)
    return new HttpError({ code: 'bad-request', message: `the path cannot be read: ${path}` })
  return undefined
}

function bodyError(type: string, message: string): HttpError {
  if (type === 'entity.too.large')
    return new HttpError({ code: 'too-large', message: `the body must be at most ${maxBodyBytes} bytes` })
  const what = type === 'entity.parse.failed' ? 'the body must be JSON' : 'the body cannot be read'
  return new HttpError({ code: 'bad-request', message: `${what}: ${message}` })
}
