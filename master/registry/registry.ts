import { describeProblems, validator } from '@tender/sdk/protocol'
import { describeError, type KeyValueStore, keyPart, type Log } from '@tender/sdk/runtime'
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

type Kind = RegistryRecord['kind']

const validators = {
  agent: validator(recordSchemas.agent),
  framework: validator(recordSchemas.framework),
  role: validator(recordSchemas.role),
  cluster: validator(recordSchemas.cluster),
}

/** To read all records of a large cluster at once takes so long that the lease of who has just won it would end. */
const recordsAtOnce = 250

/**
 * The master's durable facts in a key-value bucket, one record each. Every write is a compare-and-set on what this
 * leader has read or written last: a write of another leader is a conflict, and the end of this one.
 */
export class Registry {
  readonly #store: KeyValueStore
  readonly #log: Log
  readonly #revisions = new Map<string, number>()

  constructor(store: KeyValueStore, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Reads all. A record that is damaged is reported and left out; the rest counts. */
  async load(): Promise<RegistryContent> {
    const agents: AgentRecord[] = []
    const frameworks: FrameworkRecord[] = []
    const roles: RoleRecord[] = []
    let cluster: ClusterRecord | undefined
    for (const [index, { key, value, revision }] of (await this.#store.list()).entries()) {
      if (index % recordsAtOnce === recordsAtOnce - 1) await otherWork()
      this.#revisions.set(key, revision)
      const kind = key.split('.')[0]
      if (kind === 'agent') agents.push(...this.#read(key, kind, value))
      else if (kind === 'framework') frameworks.push(...this.#read(key, kind, value))
      else if (kind === 'role') roles.push(...this.#read(key, kind, value))
      else if (kind === 'cluster') cluster = this.#read(key, kind, value)[0]
      else this.#log.error('the registry holds a record of an unknown kind; it is left alone', { key })
    }
    return { agents, frameworks, roles, cluster }
  }

  /** @throws StoreConflictError when another leader has written one of them */
  async write(records: readonly RegistryRecord[]): Promise<void> {
    for (const { kind, id, value } of records) {
      const key = `${kind}.${keyPart(id)}`
      const revision = this.#revisions.get(key)
      if (value === undefined) {
        if (revision === undefined) continue
        await this.#store.delete(key, revision)
        this.#revisions.delete(key)
      } else {
        const text = JSON.stringify(value)
        const written =
          revision === undefined
            ? await this.#store.create(key, text)
            : await this.#store.update(key, text, revision)
        this.#revisions.set(key, written)
      }
    }
  }

  #read<K extends Kind>(key: string, kind: K, text: string): ReadonlyArray<RecordOf<K>> {
    try {
      const value: unknown = JSON.parse(text)
      const checked = validators[kind](value)
      if (!checked.ok) throw new TypeError(describeProblems(checked.problems))
      if (checked.value.v > recordVersion) {
        throw new TypeError(
          `this program reads records up to version ${recordVersion}, got ${checked.value.v}`,
        )
      }
      return [checked.value as RecordOf<K>]
    } catch (error) {
      this.#log.error('a record of the registry cannot be read; it is left out', {
        key,
        error: describeError(error),
      })
      return []
    }
  }
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
