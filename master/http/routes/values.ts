import { resources as jsonResources, schema } from '@tender/sdk/protocol'
import { Resources, ResourcesTextError, type WireResources } from '@tender/sdk/values'
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
  try {
    return Resources.fromWire(json)
  } catch (error) {
    // A TypeError: two spellings of one kind have values that do not go together.
    if (error instanceof RangeError || error instanceof TypeError)
      throw wrong('resources', error.message, json)
    throw error
  }
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
