import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Schema } from './schema.js'

/** One thing that is wrong with a value: where, which rule, and what came instead. */
export interface Problem {
  /** A JSON pointer, `/instances`; the empty text is the whole. */
  readonly path: string
  /** What is allowed there, as a sentence part: `must be integer`. */
  readonly rule: string
  readonly value: unknown
}

/** A function that says what is wrong with a value; nothing wrong means that it is a `T`. */
export type Validator<T> = (
  value: unknown,
) => { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] }

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
})

/** Compiles a schema, at its first use: a process pays only for the messages that it receives. */
export function validator<T>(schema: Schema<T>): Validator<T> {
  let compiled: ValidateFunction | undefined
  return value => {
    compiled ??= ajv.compile(schema)
    if (compiled(value)) return { ok: true, value: value as T }
    return { ok: false, problems: problemsOf(compiled.errors ?? []) }
  }
}

/** `/offers/0: must be string, got 5`, for each problem. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems
    .slice(0, 5)
    .map(({ path, rule, value }) => `${path || 'the whole'}: ${rule}, got ${shown(value)}`)
    .join('; ')
}

function problemsOf(errors: readonly ErrorObject[]): Problem[] {
  const isOfUnion = (error: ErrorObject) =>
    errors.some(other => other.keyword === 'anyOf' && other.instancePath === error.instancePath)
  return errors
    .filter(error => error.keyword === 'anyOf' || !isOfUnion(error))
    .map(error => {
      switch (error.keyword) {
        case 'required':
          return {
            path: `${error.instancePath}/${error.params.missingProperty}`,
            rule: 'is required',
            value: undefined,
          }
        case 'additionalProperties': {
          const name = String(error.params.additionalProperty)
          const known = Object.keys((error.parentSchema?.properties ?? {}) as object)
          const value: unknown = (error.data as Record<string, unknown>)[name]
          return {
            path: `${error.instancePath}/${name}`,
            rule: `is not a known field (known: ${known.join(', ')})`,
            value,
          }
        }
        case 'enum':
          return {
            path: error.instancePath,
            rule: `must be one of ${(error.params.allowedValues as unknown[]).join(', ')}`,
            value: error.data,
          }
        case 'anyOf':
          return { path: error.instancePath, rule: `must be ${unionText(error.schema)}`, value: error.data }
        default:
          return { path: error.instancePath, rule: error.message ?? error.keyword, value: error.data }
      }
    })
}

function unionText(schemas: unknown): string {
  const types = (schemas as { type?: string; description?: string }[]).map(
    ({ description, type }) => description ?? type ?? 'other',
  )
  return [...new Set(types)].join(' or ')
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  const text = asJson(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

function asJson(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ??
      typeof value
    )
  } catch {
    // A peer may nest its value so deeply that the stack ends; it is still to get its refusal.
    return 'a value nested too deeply to show'
  }
}
