import type { Infer, JsonSchema, Schema } from '@tender/sdk/protocol'
import { HttpError } from './errors.js'

/** The query parameters of an endpoint, by name; all may be left out. */
export type QuerySchemas = Readonly<Record<string, Schema<unknown>>>

export type QueryOf<Q extends QuerySchemas> = { readonly [K in keyof Q]?: Infer<Q[K]> }

/**
 * Reads a query by the schemas that also describe it to clients.
 * @throws HttpError `bad-request` naming the parameter, the rule and the value
 */
export function readQuery<Q extends QuerySchemas>(
  raw: Readonly<Record<string, unknown>>,
  schemas: Q,
): QueryOf<Q> {
  const entries = Object.entries(raw).map(([name, text]) => {
    const schema = schemas[name]
    if (!schema) {
      const known = Object.keys(schemas).join(', ') || 'none'
      throw badParameter(name, `is not a known parameter (known: ${known})`, text)
    }
    if (typeof text !== 'string') throw badParameter(name, 'must be given once', text)
    return [name, readValue(name, text, schema)]
  })
  return Object.fromEntries(entries) as QueryOf<Q>
}

function readValue(name: string, text: string, schema: JsonSchema): unknown {
  if (schema.enum) return readChoice(name, text, schema.enum as readonly unknown[])
  switch (schema.type) {
    case 'boolean':
      // A bare `?follow` means yes.
      return text === '' || readChoice(name, text, ['true', 'false']) === 'true'
    case 'integer':
      return readInteger(name, text, schema)
    default:
      if (text === '') throw badParameter(name, 'must not be empty', text)
      return text
  }
}

function readChoice(name: string, text: string, choices: readonly unknown[]): string {
  if (!choices.includes(text)) throw badParameter(name, `must be one of ${choices.join(', ')}`, text)
  return text
}

function readInteger(name: string, text: string, bounds: { minimum?: number; maximum?: number }): number {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = bounds
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= minimum && value <= maximum) return value
  const least = bounds.minimum === undefined ? '' : ` of ${bounds.minimum} or more`
  const most = bounds.maximum === undefined ? '' : `, at most ${bounds.maximum}`
  throw badParameter(name, `must be a whole number${least}${most}`, text)
}

function badParameter(name: string, rule: string, value: unknown): HttpError {
  return new HttpError({
    code: 'bad-request',
    message: `${name}: ${rule}, got ${JSON.stringify(value).slice(0, 100)}`,
  })
}
