import type { JsonSchema } from '@tender/sdk/protocol'

type Definitions = Readonly<Record<string, JsonSchema>>

/** A schema, and what its references name. */
export interface Form {
  readonly schema: JsonSchema
  readonly $defs: Definitions
}

const upperBounds = ['maximum', 'maxLength', 'maxItems', 'maxProperties']
const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems']

/** Where something that the sender may say would be refused by the reader, as far as schemas tell. */
export function narrowed(sender: Form, reader: Form, path = ''): string[] {
  const [says, reads] = [resolved(sender), resolved(reader)]
  const found = [...narrowedHere(says, reads)].map(problem => `${path || '/'}: ${problem}`)
  const inner = (name: string, from: unknown, to: unknown) =>
    from && to
      ? narrowed(
          { schema: from as JsonSchema, $defs: sender.$defs },
          { schema: to as JsonSchema, $defs: reader.$defs },
          `${path}/${name}`,
        )
      : []
  const [said, read] = [fieldsOf(says), fieldsOf(reads)]
  return [
    ...found,
    ...Object.keys(read).flatMap(name => inner(name, said[name], read[name])),
    ...inner('*', says.items, reads.items),
    ...inner('*', says.additionalProperties, reads.additionalProperties),
  ]
}

function* narrowedHere(says: JsonSchema, reads: JsonSchema): Iterable<string> {
  if (reads.type !== undefined && says.type !== reads.type)
    yield `must be ${nameOf(reads.type)}, may be ${nameOf(says.type)}`
  for (const name of listOf(reads.required))
    if (!listOf(says.required).includes(name)) yield `must have ${String(name)}`
  if (reads.enum)
    for (const value of says.enum ? listOf(says.enum) : ['anything'])
      if (!listOf(reads.enum).includes(value)) yield `may not be ${String(value)}`
  if (reads.pattern !== undefined && says.pattern !== reads.pattern)
    yield `must match ${nameOf(reads.pattern)}`
  if (JSON.stringify(says.anyOf) !== JSON.stringify(reads.anyOf)) yield 'must be one of other forms'
  for (const bound of upperBounds)
    if (numberOf(says[bound], Infinity) > numberOf(reads[bound], Infinity)) yield `has a lower ${bound}`
  for (const bound of lowerBounds)
    if (numberOf(says[bound], -Infinity) < numberOf(reads[bound], -Infinity)) yield `has a higher ${bound}`
}

function resolved({ schema, $defs }: Form): JsonSchema {
  return typeof schema.$ref === 'string' ? ($defs[schema.$ref.replace('#/$defs/', '')] ?? {}) : schema
}

function fieldsOf({ properties }: JsonSchema): Readonly<Record<string, unknown>> {
  return (properties ?? {}) as Record<string, unknown>
}

function nameOf(keyword: unknown): string {
  return typeof keyword === 'string' ? keyword : 'anything'
}

function listOf(values: unknown): readonly unknown[] {
  return Array.isArray(values) ? values : []
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
