import { describeError, describeProblems, type Log, type Problem } from '@tender/sdk'
import type { NextFunction, Request, Response } from 'express'
import { NotStoredYetError } from '../service-shell.js'
import { SelectorError } from './label-selector.js'

/** An error that a client gets to see, as it is. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  readonly details: readonly object[] | undefined
  constructor(status: number, message: string, details?: readonly object[]) {
    super(message)
    this.status = status
    this.details = details
  }
}

/** 422 in Marathon's form: one entry for each path, with each rule that is broken there, and what came. */
export function invalid(problems: readonly Problem[]): HttpError {
  const details = problems.map(({ path, rule, value }) => ({
    path: path || '/',
    errors: [rule],
    rule,
    value: value ?? null,
  }))
  return new HttpError(422, `the app is not valid: ${describeProblems(problems)}`, details)
}

/** The last middleware: what was thrown becomes an answer. Nobody sees a stack. */
export function errorHandler(log: Log, maxBodyBytes: number) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error)
      return
    }
    const { status, message, details } = toHttpError(error, maxBodyBytes)
    if (status === 500) {
      log.error('a request failed', {
        method: request.method,
        path: request.path,
        error: describeError(error),
      })
    }
    response.status(status).json({ message, ...(details ? { details } : {}) })
  }
}

function toHttpError(error: unknown, maxBodyBytes: number): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof SelectorError) return new HttpError(400, error.message)
  if (error instanceof NotStoredYetError) return new HttpError(503, error.message)
  // Express and its body parser say by `type` and `status` what was wrong with a request.
  const { type, status, message } = error as { type?: string; status?: number; message?: string }
  if (type === 'entity.parse.failed') return new HttpError(400, `the body must be JSON: ${message}`)
  if (type === 'entity.too.large') {
    return new HttpError(413, `the body may have ${maxBodyBytes} bytes at most`)
  }
  if (status !== undefined && status >= 400 && status < 500)
    return new HttpError(status, message ?? 'bad request')
  return new HttpError(500, 'an error inside of the service framework; its log says more')
}
