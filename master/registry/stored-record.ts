import { describeProblems, validator } from '@tender/sdk/protocol'
import { describeError } from '@tender/sdk/runtime'
import { Resources, roleProblem } from '@tender/sdk/values'
import {
  type AgentRecord,
  type ClusterRecord,
  type FrameworkRecord,
  recordSchemas,
  recordVersion,
  type RegistryRecord,
  type RoleRecord,
} from './records.js'
import { unseal } from './seal.js'

type Kind = RegistryRecord['kind']

interface Records {
  readonly agent: AgentRecord
  readonly framework: FrameworkRecord
  readonly role: RoleRecord
  readonly cluster: ClusterRecord
}

/** What a text of the registry turned out to be. */
export type RecordReading =
  | { readonly [K in Kind]: { readonly kind: K; readonly value: Records[K] } }[Kind]
  | { readonly kind: 'damaged'; readonly error: string }
  /** It was written by a newer Tender. */
  | { readonly kind: 'newer'; readonly v: number }
  /** Its key is of none. */
  | { readonly kind: 'unknown' }

const validators = {
  agent: validator(recordSchemas.agent),
  framework: validator(recordSchemas.framework),
  role: validator(recordSchemas.role),
  cluster: validator(recordSchemas.cluster),
}

/** What a schema cannot say. Each throws an error that names what is wrong. */
const checkMeaning: { readonly [K in Kind]: (record: Records[K]) => void } = {
  agent: ({ agent }) => void Resources.fromWire(agent.resources),
  framework: ({ framework }) => framework.roles.forEach(checkRole),
  role: ({ role }) => checkRole(role),
  cluster: () => {},
}

/** Reads a record once, when it is first asked for: to check one takes about 0.1 ms. */
export class StoredRecord {
  readonly key: string
  #text: string | undefined
  #reading: RecordReading | undefined

  constructor(key: string, text: string) {
    this.key = key
    this.#text = text
  }

  get wasRead(): boolean {
    return this.#reading !== undefined
  }

  read(): RecordReading {
    this.#reading ??= readRecord(this.key, this.#text ?? '')
    this.#text = undefined
    return this.#reading
  }
}

function readRecord(key: string, text: string): RecordReading {
  const kind = key.split('.')[0] ?? ''
  if (!isKind(kind)) return { kind: 'unknown' }
  try {
    const value = unseal(text)
    const v = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined
    if (typeof v === 'number' && v > recordVersion) return { kind: 'newer', v }
    const checked = validators[kind](value)
    if (!checked.ok) throw new TypeError(describeProblems(checked.problems))
    checkMeaning[kind](checked.value as never)
    return { kind, value: checked.value } as RecordReading
  } catch (error) {
    return { kind: 'damaged', error: describeError(error) }
  }
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(validators, text)
}

function checkRole(role: string): void {
  const rule = roleProblem(role)
  if (rule !== undefined) throw new TypeError(`${rule}, got '${role}'`)
}
