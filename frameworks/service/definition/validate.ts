import { type Problem, validator } from '@tender/sdk'
import { toAppId } from './app-id.js'
import { problemsAcrossFields } from './rules.js'
import { type AppDefinition, appDefinition, fieldsNotYetSupported } from './schema.js'

const hasRightShape = validator(appDefinition)

export type Validated =
  | { readonly ok: true; readonly definition: AppDefinition }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Reads an app definition that a person or a client has sent: all problems at once, or the definition as it was
 * written. A field that is null counts as not written, as Marathon's clients expect.
 *
 * @param role the role of this framework, the only one that an app may name
 */
export function validateDefinition(json: unknown, role: string): Validated {
  const written = isRecord(json) ? withoutNulls(json) : json
  const [rest, later] = isRecord(written) ? splitUnsupported(written) : [written, []]
  const shape = hasRightShape(rest)
  if (!shape.ok) return { ok: false, problems: [...later, ...shape.problems] }
  const problems = [...later, ...problemsAcrossFields(shape.value, role)]
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, definition: { ...shape.value, id: toAppId(shape.value.id) } }
}

/**
 * Puts the fields of a partial update over a definition, each as a whole. `cmd` and `args` replace each other, since
 * an app has only one of them; so do the old and new forms of ports.
 */
export function mergeDefinition(current: AppDefinition, update: Readonly<Record<string, unknown>>): unknown {
  const merged: Record<string, unknown> = { ...current }
  for (const [one, other] of alternatives) {
    if (isWritten(update, one) && !isWritten(update, other)) delete merged[other]
    if (isWritten(update, other) && !isWritten(update, one)) delete merged[one]
  }
  return { ...merged, ...update }
}

const alternatives = [
  ['cmd', 'args'],
  ['ports', 'portDefinitions'],
] as const

function isWritten(json: Readonly<Record<string, unknown>>, name: string): boolean {
  return json[name] !== undefined && json[name] !== null
}

function withoutNulls(json: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
}

/** Fields for later: empty ones, which many clients always send, are left out; others are a problem of their own. */
function splitUnsupported(json: Record<string, unknown>): [Record<string, unknown>, Problem[]] {
  const problems: Problem[] = []
  const rest = { ...json }
  for (const name of fieldsNotYetSupported) {
    if (!(name in json)) continue
    delete rest[name]
    const value = json[name]
    if (!isEmpty(value)) {
      problems.push({
        path: `/${name}`,
        rule: 'is a field of Marathon that Tender does not support yet',
        value,
      })
    }
  }
  return [rest, problems]
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
