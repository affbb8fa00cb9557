import { readFileSync } from 'node:fs'
import { describeProblems, type JsonSchema, type Validator, validator } from '@tender/sdk/protocol'

/** The messages of one direction, in version 1. */
export type Direction =
  | 'agentToLeader'
  | 'frameworkToLeader'
  | 'leaderToAgent'
  | 'leaderToEveryone'
  | 'leaderToFramework'

interface Frozen {
  readonly messages: Readonly<Record<Direction, Readonly<Record<string, JsonSchema>>>>
  readonly results: Readonly<Record<string, JsonSchema>>
  readonly registry: Readonly<Record<string, JsonSchema>>
  readonly $defs: Readonly<Record<string, JsonSchema>>
}

const frozen = readFixture('version-1.json') as Frozen

export const { messages, results, registry, $defs: definitions } = frozen

/** Entries of the registry and of the service's store by their keys, files of an agent's work directory by their paths. */
export interface Records {
  readonly registry: Readonly<Record<string, object>>
  readonly checkpoint: Readonly<Record<string, CheckpointFile>>
  readonly service: Readonly<Record<string, object>>
}

interface CheckpointFile {
  readonly v: number
  readonly sha256: string
  readonly record: object
}

/** What programs of version 1 have written. */
export const records = readFixture('records-1.json') as Records

/** A value as version 1 takes it: without what it does not know. @throws TypeError when it would refuse it */
export function readEnvelope(value: unknown): object {
  return read(frozen.$defs['envelope'], value, 'envelope')
}

export function readBody(direction: Direction, kind: string, value: unknown): object {
  return read(messages[direction][kind], value, `${direction} ${kind}`)
}

/** The result of a call's answer; of calls that have none, anything. */
export function readResult(call: string, value: unknown): unknown {
  return call in frozen.results ? read(frozen.results[call], value, `the result of ${call}`) : value
}

export function readRecord(kind: string, value: unknown): object {
  return read(frozen.registry[kind], value, `the record of ${kind}`)
}

const validators = new Map<JsonSchema, Validator<unknown>>()

function read(schema: JsonSchema | undefined, value: unknown, what: string): object {
  if (!schema) throw new TypeError(`${what} is not known in version 1`)
  const { $defs } = frozen
  const check = validators.get(schema) ?? validator<unknown>({ ...schema, $defs })
  validators.set(schema, check)
  const checked = check(value)
  if (!checked.ok) throw new TypeError(`${what}: ${describeProblems(checked.problems)}`)
  return known(schema, value) as object
}

/** The fields that the schema names. */
function known(schema: JsonSchema, value: unknown): unknown {
  const { $ref, items, properties, additionalProperties } = schema
  if (typeof $ref === 'string') return known(frozen.$defs[$ref.replace('#/$defs/', '')] ?? {}, value)
  if (items && Array.isArray(value)) return value.map(item => known(items as JsonSchema, item))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const ofField = (name: string): JsonSchema | undefined =>
    properties
      ? (properties as Record<string, JsonSchema>)[name]
      : ((additionalProperties ?? {}) as JsonSchema)
  if (!properties && !additionalProperties) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const of = ofField(name)
      return of ? [[name, known(of, inner)]] : []
    }),
  )
}

function readFixture(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../../test/support/previous-version/${name}`, import.meta.url), 'utf8'),
  )
}
