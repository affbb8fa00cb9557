import type { Answer, AppState, Connection, Expected } from '../core/index.js'
import { type AppDefinition, mergeDefinition, toAppId, validateDefinition } from '../definition/index.js'
import { HttpError, invalid } from './errors.js'

/** What the HTTP API needs of the service. */
export interface ServiceApi {
  readonly connection: Connection
  now(): number
  apps(): AppState[]
  app(id: string): AppState | undefined
  /** Resolves when the change is stored. */
  putApp(definition: AppDefinition, expected: Expected): Promise<Answer>
  deleteApp(appId: string): Promise<Answer>
  /** The framework's own role: the only one that an app may name. */
  readonly role: string
}

type Done = Extract<Answer, { ok: true }>

export async function createApp(service: ServiceApi, body: unknown): Promise<Done> {
  const validated = validateDefinition(body, service.role)
  if (!validated.ok) throw invalid(validated.problems)
  const answer = await service.putApp(validated.definition, 'absent')
  if (!answer.ok) throw new HttpError(409, answer.message)
  return answer
}

const maxAttempts = 5

/**
 * Creates an app, or changes it: a partial update replaces the fields it names and keeps the others. It is made from
 * the app as it is now, and made again if somebody else was faster.
 */
export async function updateApp(
  service: ServiceApi,
  id: string,
  body: unknown,
  isPartial: boolean,
): Promise<{ answer: Done; isNew: boolean }> {
  const update = asUpdate(body, id)
  for (let attempt = 1; ; attempt++) {
    const current = service.app(id)
    const json = current && isPartial ? mergeDefinition(current.record.definition, update) : update
    const validated = validateDefinition(json, service.role)
    if (!validated.ok) throw invalid(validated.problems)
    const expected = current ? { version: current.record.version } : 'absent'
    const answer = await service.putApp(validated.definition, expected)
    if (answer.ok) return { answer, isNew: !current }
    if (attempt === maxAttempts) throw new HttpError(409, answer.message)
  }
}

/** The address names the app; the body may repeat its id, but not name another. */
function asUpdate(body: unknown, id: string): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ path: '', rule: 'must be object', value: body }])
  }
  const written = (body as { id?: unknown }).id ?? id
  if (typeof written === 'string' && toAppId(written) !== id) {
    throw invalid([
      { path: '/id', rule: `must be '${id}' as in the address, or be left out`, value: written },
    ])
  }
  return { ...body, id: typeof written === 'string' ? id : written }
}
