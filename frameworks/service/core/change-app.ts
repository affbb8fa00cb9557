import type { Millis } from '@tender/sdk'
import { needsNewInstances, normalise } from '../definition/index.js'
import type { AppState } from './app-state.js'
import type { Answer } from './commands.js'
import type { Input } from './inputs.js'
import type { AppRecord } from './records.js'

type Refusal = Extract<Answer, { ok: false }>

export type Change =
  | {
      readonly ok: true
      readonly record: AppRecord
      /** Running instances have to be replaced. */
      readonly isNewConfig: boolean
      readonly summary: string
    }
  | Refusal

/** What an app becomes by a request, or why it stays as it is. An app that is being deleted counts as not there. */
export function changeOf(
  input: Extract<Input, { kind: 'put-app' | 'delete-app' }>,
  state: AppState | undefined,
  { role, deploymentId, now }: { readonly role: string; readonly deploymentId: string; readonly now: Millis },
): Change {
  const current = state?.record.isDeleted ? undefined : state
  if (input.kind === 'delete-app') {
    if (!current) return refuse('unknown', `there is no app '${input.appId}'`)
    const record = {
      ...current.record,
      isDeleted: true,
      version: versionAfter(current.record, now),
      deploymentId,
    }
    return { ok: true, record, isNewConfig: false, summary: 'the app is being deleted' }
  }
  const { definition, expected } = input
  if (expected === 'absent' && current) return refuse('exists', `an app '${definition.id}' exists already`)
  if (expected !== 'absent' && current?.record.version !== expected.version) {
    return refuse('changed', `app '${definition.id}' was changed by somebody else at the same time`)
  }
  const version = versionAfter(state?.record, now)
  if (!current) {
    const times = { version, lastConfigChangeAt: version, lastScalingAt: version }
    const record = { id: definition.id, definition, ...times, deploymentId, isDeleted: false }
    return { ok: true, record, isNewConfig: true, summary: 'the app is created' }
  }
  const app = normalise(definition, role)
  const isNewConfig = needsNewInstances(current.app, app)
  const isScaled = app.instances !== current.app.instances
  const record: AppRecord = {
    ...current.record,
    definition,
    version,
    deploymentId,
    lastConfigChangeAt: isNewConfig ? version : current.record.lastConfigChangeAt,
    lastScalingAt: isScaled ? version : current.record.lastScalingAt,
  }
  const scaled = isScaled ? `, scaled from ${current.app.instances} to ${app.instances}` : ''
  const replaced = isNewConfig ? ', its instances are replaced' : ''
  return { ok: true, record, isNewConfig, summary: `the app is changed${scaled}${replaced}` }
}

/** Versions are compared as text, so each is later than the one before, whatever the clock does. */
function versionAfter(record: AppRecord | undefined, now: Millis): string {
  const earliestMs = record ? Date.parse(record.version) + 1 : now
  return new Date(Math.max(now, earliestMs)).toISOString()
}

function refuse(code: Refusal['code'], message: string): Refusal {
  return { ok: false, code, message }
}
