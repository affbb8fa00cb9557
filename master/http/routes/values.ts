import { resources as jsonResources, schema } from '@tender/sdk/protocol'
import {
  kindOf,
  ResourceKeyError,
  Resources,
  ResourcesTextError,
  roleProblem,
  toThousandths,
  type WireResources,
} from '@tender/sdk/values'
import { HttpError } from '../errors.js'

/** What operators write into paths and bodies, read with rules that a schema does not hold. */

/** Resources as a text, or as messages have them. */
export const writtenResources = schema.anyOf([
  schema.string({
    maxLength: 10_000,
    description: 'text such as cpus(web,dynamic):2;disk(web)[data:/data]:100',
  }),
  jsonResources,
])

/** @throws HttpError */
export function readResources(written: string | WireResources): WireResources {
  const resources = typeof written === 'string' ? resourcesOfText(written) : resourcesOfJson(written)
  if (resources.isEmpty) throw wrong('resources', 'must be something', written)
  return resources.toWire()
}

function resourcesOfText(text: string): Resources {
  try {
    return Resources.parse(text)
  } catch (error) {
    // It names the field, the text and the place in it by itself.
    if (error instanceof ResourcesTextError)
      throw new HttpError({ code: 'bad-request', message: error.message }, { cause: error })
    throw error
  }
}

function resourcesOfJson(json: WireResources): Resources {
  // A TypeError: two spellings of one kind have values that do not go together.
  return attempt('resources', json, [RangeError, TypeError], () => Resources.fromWire(json))
}

/** Plain names and amounts. @throws HttpError */
export function checkQuantities(field: string, quantities: Readonly<Record<string, number>> = {}): void {
  for (const [name, amount] of Object.entries(quantities)) {
    const kind = attempt(field, name, [ResourceKeyError], () => kindOf(name))
    if (kind.name !== name) throw wrong(field, `must have plain names such as '${kind.name}'`, name)
    attempt(`${field}.${name}`, amount, [RangeError], () => toThousandths(amount))
  }
}

/** @throws HttpError */
export function readRole(role = '', field = 'role'): string {
  const problem = roleProblem(role)
  if (problem !== undefined) throw wrong(field, problem, role)
  return role
}

/** An instant with its zone, such as `2030-01-31T22:00:00Z`. @throws HttpError */
export function readInstant(field: string, text: string): number {
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
  const instantMs = isInstant ? Date.parse(text) : Number.NaN
  if (instantMs >= 0) return instantMs
  throw wrong(field, 'must be a time with its zone, such as 2030-01-31T22:00:00Z', text)
}

export function wrong(field: string, rule: string, value: unknown): HttpError {
  const shown = JSON.stringify(value)?.slice(0, 100) ?? 'nothing'
  return new HttpError({ code: 'bad-request', message: `${field}: ${rule}, got ${shown}` })
}

type ErrorClass = new (...parameters: never[]) => Error

/** What the reader does not understand is the operator's mistake; all else is our own. */
function attempt<T>(field: string, value: unknown, mistakes: readonly ErrorClass[], read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!mistakes.some(mistake => error instanceof mistake)) throw error
    throw wrong(field, (error as Error).message, value)
  }
}
