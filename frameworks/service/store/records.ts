import { type Infer, keyPart, schema, taskStates, type Validator, validator } from '@tender/sdk'
import type { AppRecord, InstanceRecord } from '../core/index.js'
import { appDefinition } from '../definition/index.js'

const { array, boolean, integer, object, oneOf, optional, string } = schema

/** The form of what is stored; a later form will have another number, and a way to come from this one. */
export const recordVersion = 1

const v = oneOf([recordVersion])
const millis = integer({ minimum: 0 })

const storedApp = object({
  v,
  id: string(),
  definition: appDefinition,
  version: string(),
  lastConfigChangeAt: string(),
  lastScalingAt: string(),
  deploymentId: string(),
  isDeleted: boolean(),
})

const storedInstance = object({
  v,
  taskId: string(),
  appId: string(),
  version: string(),
  agentId: string(),
  hostname: string(),
  hostPorts: array(integer({ minimum: 0, maximum: 65_535 })),
  goal: oneOf(['run', 'stop']),
  state: oneOf(taskStates),
  stateSinceMs: millis,
  stagedAtMs: millis,
  startedAtMs: optional(millis),
  ipAddress: optional(string()),
})

/** How one kind of record is stored. */
export interface RecordKind<T> {
  readonly prefix: string
  readonly key: (id: string) => string
  readonly validate: Validator<T & { readonly v: number }>
}

export const appRecords: RecordKind<AppRecord> = {
  prefix: 'app.',
  key: id => `app.${keyPart(id)}`,
  validate: validator<Infer<typeof storedApp>>(storedApp),
}

export const instanceRecords: RecordKind<InstanceRecord> = {
  prefix: 'instance.',
  key: taskId => `instance.${keyPart(taskId)}`,
  validate: validator<Infer<typeof storedInstance>>(storedInstance),
}
