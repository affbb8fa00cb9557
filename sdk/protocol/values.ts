import { anyOf, array, integer, number, record, type Schema, string } from './schema.js'
import type { WireResources } from '../values/resources.js'

/** `{ cpus: 1.5, 'cpus(web)': 2, ports: [[31000, 31009]] }`: amounts to 0.001, ranges of whole numbers, sets of names. */
export const resources: Schema<WireResources> = {
  ...record(
    anyOf([
      number({ minimum: 0, description: 'number of 0 or more' }),
      {
        ...array(
          anyOf([
            array(integer({ minimum: 0 }), { minItems: 2, maxItems: 2 }),
            string({ maxLength: 200 }),
            number({ minimum: 0 }),
          ]),
        ),
        description: 'list of ranges [first, last], of names, or of the sizes of mounts',
      },
    ]),
    { maxProperties: 100 },
  ),
  description: 'amounts by name: a number, a list of ranges [first, last], or a list of names',
} as Schema<WireResources>

export const attributes = record(anyOf([string({ maxLength: 1000 }), number()]), { maxProperties: 100 })

export const labels = record(string({ maxLength: 10_000 }), { maxProperties: 200 })

export const timestampMs = integer({ minimum: 0, description: 'milliseconds since 1970' })

export const durationMs = integer({
  minimum: 0,
  maximum: 31_536_000_000,
  description: 'milliseconds, at most 365 days',
})
