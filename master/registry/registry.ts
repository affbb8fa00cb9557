import { describeProblems, validator } from '@tender/sdk/protocol'
import { describeError, type KeyValueStore, keyPart, type Log } from '@tender/sdk/runtime'
import { Resources, roleProblem } from '@tender/sdk/values'
import {
  type AgentRecord,
  type ClusterRecord,
  type FrameworkRecord,
  recordSchemas,
  recordVersion,
  type RegistryContent,
  type RegistryRecord,
  type RoleRecord,
} from './records.js'
import { seal, unseal } from './seal.js'

type Kind = RegistryRecord['kind']

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

function checkRole(role: string): void {
  const rule = roleProblem(role)
  if (rule !== undefined) throw new TypeError(`${rule}, got '${role}'`)
}

/** The registry was written by a newer Tender. */
export class NewerRecordError extends Error {
  override readonly name = 'NewerRecordError'
}

/** No record: what is written to keep earlier leaders out. */
const fence = 'fence'

/** To read all records of a large cluster at once takes so long that the lease of who has just won it would end. */
const recordsAtOnce = 250

/**
 * The master's durable facts in a key-value bucket, one record each. Every write is a compare-and-set on what this
 * leader has read or written last: a write of another leader is a conflict, and the end of this one.
 */
export class Registry {
  readonly #store: KeyValueStore
  readonly #log: Log
  /** Of the last write to the whole store. */
  #revision = 0
  /** What was to be written, and may have been. */
  #unanswered: { readonly key: string; readonly text: string | undefined } | undefined

  constructor(store: KeyValueStore, log: Log) {
    this.#store = store
    this.#log = log
  }

  /**
   * Reads all. A record that is damaged is reported and left out; the rest counts.
   * @throws NewerRecordError when a record is of a newer version: without what it says, this leader would decide wrongly
   */
  async load(): Promise<RegistryContent> {
    const agents: AgentRecord[] = []
    const frameworks: FrameworkRecord[] = []
    const roles: RoleRecord[] = []
    let cluster: ClusterRecord | undefined
    // Whatever an earlier leader has on its way to the store comes too late from here on; what came before it is read.
    this.#revision = await this.#store.append(fence, undefined)
    for (const [index, { key, value }] of (await this.#store.list()).entries()) {
      if (index % recordsAtOnce === recordsAtOnce - 1) await otherWork()
      const kind = key.split('.')[0]
      if (kind === 'agent') agents.push(...this.#read(key, kind, value))
      else if (kind === 'framework') frameworks.push(...this.#read(key, kind, value))
      else if (kind === 'role') roles.push(...this.#read(key, kind, value))
      else if (kind === 'cluster') cluster = this.#read(key, kind, value)[0]
      else this.#log.error('the registry holds a record of an unknown kind; it is left alone', { key })
    }
    return { agents, frameworks, roles, cluster }
  }

  /** @throws StoreConflictError when another leader has written anything */
  async write(records: readonly RegistryRecord[]): Promise<void> {
    for (const { kind, id, value } of records) {
      const key = `${kind}.${keyPart(id)}`
      await this.#readBack()
      const text = value === undefined ? undefined : seal(value)
      this.#unanswered = { key, text }
      this.#revision = await this.#store.append(key, text, this.#revision)
      this.#unanswered = undefined
    }
  }

  /** A write that got no answer may have been done: then what is there is this leader's own, and no conflict. */
  async #readBack(): Promise<void> {
    if (!this.#unanswered) return
    const { key, text } = this.#unanswered
    const entry = await this.#store.get(key)
    if (entry && entry.value === text && entry.revision > this.#revision) this.#revision = entry.revision
    this.#unanswered = undefined
  }

  #read<K extends Kind>(key: string, kind: K, text: string): ReadonlyArray<RecordOf<K>> {
    try {
      const value = unseal(text)
      refuseNewer(key, value)
      const checked = validators[kind](value)
      if (!checked.ok) throw new TypeError(describeProblems(checked.problems))
      checkMeaning[kind](checked.value as never)
      return [checked.value as RecordOf<K>]
    } catch (error) {
      if (error instanceof NewerRecordError) throw error
      this.#log.error('a record of the registry cannot be read; it is left out', {
        key,
        error: describeError(error),
      })
      return []
    }
  }
}

function refuseNewer(key: string, value: unknown): void {
  const v = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined
  if (typeof v !== 'number' || v <= recordVersion) return
  throw new NewerRecordError(
    `'${key}' in the registry is of version ${v}; this Tender reads up to ${recordVersion}. Start the newer one again`,
  )
}

async function otherWork(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

interface Records {
  readonly agent: AgentRecord
  readonly framework: FrameworkRecord
  readonly role: RoleRecord
  readonly cluster: ClusterRecord
}
type RecordOf<K extends Kind> = Records[K]
