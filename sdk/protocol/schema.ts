/**
 * A JSON Schema that also carries the TypeScript type of what it accepts, so that schema and type are written once and
 * cannot drift. The functions below make plain JSON Schema objects (draft 7): ajv checks them as they are, and the
 * OpenAPI description is made of them. (TypeBox does the same and more, and costs each process 13 to 19 MB.)
 */
export type Schema<T> = JsonSchema & { readonly [accepted]?: T }

declare const accepted: unique symbol

export type JsonSchema = { readonly [keyword: string]: unknown }

/** The type that a schema accepts. */
export type Infer<S> = S extends Schema<infer T> ? T : never

interface Optional<T> {
  readonly optional: Schema<T>
}

type Properties = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>

type Accepted<P> = P extends Optional<infer T> ? T : P extends Schema<infer T> ? T : never
type OptionalKeys<P extends Properties> = {
  [K in keyof P]: P[K] extends Optional<unknown> ? K : never
}[keyof P]

type ObjectOf<P extends Properties> = Simplify<
  { readonly [K in Exclude<keyof P, OptionalKeys<P>>]: Accepted<P[K]> } & {
    readonly [K in OptionalKeys<P>]?: Accepted<P[K]>
  }
>
type Simplify<T> = { [K in keyof T]: T[K] }

interface Described {
  readonly description?: string
  readonly examples?: readonly unknown[]
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return { optional: schema }
}

/** The properties that an object's schema was made of, to make another one with more. */
export function propertiesOf<T>(schema: Schema<T>): {
  [K in keyof T]-?: undefined extends T[K] ? Optional<T[K]> : Schema<T[K]>
} {
  const required = schema.required as readonly string[]
  const entries = Object.entries(schema.properties as Record<string, Schema<unknown>>)
  return Object.fromEntries(
    entries.map(([name, property]) => [name, required.includes(name) ? property : optional(property)]),
  ) as never
}

/** Fields that are not named are let through: a newer peer may send more than this version knows. */
export function object<P extends Properties>(properties: P, options: Described = {}): Schema<ObjectOf<P>> {
  const entries = Object.entries(properties)
  return {
    type: 'object',
    ...options,
    required: entries.filter(([, property]) => !isOptional(property)).map(([name]) => name),
    properties: Object.fromEntries(
      entries.map(([name, property]) => [name, isOptional(property) ? property.optional : property]),
    ),
  }
}

/** Refuses fields that are not named: for what people write by hand, where a misspelt field must not pass. */
export function strict<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, additionalProperties: false }
}

function isOptional(property: Schema<unknown> | Optional<unknown>): property is Optional<unknown> {
  return 'optional' in property && typeof property.optional === 'object'
}

export function string<T extends string = string>(
  options: Described & { pattern?: string; minLength?: number; maxLength?: number } = {},
): Schema<T> {
  return { type: 'string', ...options }
}

export function number(
  options: Described & { minimum?: number; maximum?: number; exclusiveMinimum?: number } = {},
): Schema<number> {
  return { type: 'number', ...options }
}

export function integer(options: Described & { minimum?: number; maximum?: number } = {}): Schema<number> {
  return { type: 'integer', ...options }
}

export function boolean(options: Described = {}): Schema<boolean> {
  return { type: 'boolean', ...options }
}

export function oneOf<const T extends readonly (string | number)[]>(
  values: T,
  options: Described = {},
): Schema<T[number]> {
  return { enum: values, ...options }
}

export function array<T>(
  items: Schema<T>,
  options: Described & { minItems?: number; maxItems?: number } = {},
): Schema<readonly T[]> {
  return { type: 'array', items, ...options }
}

export function record<T>(
  values: Schema<T>,
  options: Described & { maxProperties?: number } = {},
): Schema<Readonly<Record<string, T>>> {
  return { type: 'object', additionalProperties: values, ...options }
}

/** One of several shapes. Errors of a union are hard to read: prefer one shape with optional fields. */
export function anyOf<S extends readonly Schema<unknown>[]>(
  schemas: S,
  options: Described = {},
): Schema<Infer<S[number]>> {
  return { anyOf: schemas, ...options }
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return { anyOf: [schema, { type: 'null' }] }
}

/** Anything at all; whoever reads it checks it. */
export function anything(options: Described = {}): Schema<unknown> {
  return { ...options }
}
