import express, { type NextFunction, type Request, type Response } from 'express'
import { HttpError } from './errors.js'

/** An app with its environment is far smaller; what is stored and sent has to fit a message of NATS (1 MB). */
export const maxBodyBytes = 256 * 1024

export const parseJson = express.json({ limit: maxBodyBytes, strict: false, type: isJson })

function isJson({ headers }: { headers: Request['headers'] }): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '')
}

/**
 * A page in somebody's browser can send text or a form to any address without asking, but not JSON: so only what says
 * that it is JSON is taken.
 */
export function requireJson(request: Request, _response: Response, next: NextFunction): void {
  if (!isJson(request)) {
    const got = request.headers['content-type'] ?? 'nothing'
    throw new HttpError(415, `the header Content-Type must be application/json, got ${got}`)
  }
  if (isEmpty(request)) throw new HttpError(400, 'the body must be JSON, got nothing')
  next()
}

/** The body parser makes an empty object of an empty body. */
function isEmpty({ headers }: Request): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}
