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

/**
 * The master's durable facts in a key-value bucket, one record each. Every write is a compare-and-set on what this
 * leader has read or written last: a write of another leader is a conflict, and the end of this one.
 */
export class Registry {
  readonly #store: KeyValueStore
  readonly #log: Log
  readonly #revisions = new Map<string, number>()
  /** What was to be written, and may have been. */
  readonly #unanswered = new Map<string, string | undefined>()

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
    for (const { key, value, revision } of await this.#store.list()) {
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
      await this.#readBack(key)
      const text = value === undefined ? undefined : seal(value)
      this.#unanswered.set(key, text)
      await this.#writeOne(key, text)
      this.#unanswered.delete(key)
    }
  }

  async #writeOne(key: string, text: string | undefined): Promise<void> {
    const revision = this.#revisions.get(key)
    if (text === undefined) {
      if (revision === undefined) return
      await this.#store.delete(key, revision)
      this.#revisions.delete(key)
    } else {
      const written =
        revision === undefined
          ? await this.#store.create(key, text)
          : await this.#store.update(key, text, revision)
      this.#revisions.set(key, written)
    }
  }

  /** A write that got no answer may have been done: then what is there is this leader's own, and no conflict. */
  async #readBack(key: string): Promise<void> {
    if (!this.#unanswered.has(key)) return
    const entry = await this.#store.get(key)
    if (entry?.value === this.#unanswered.get(key)) {
      if (entry) this.#revisions.set(key, entry.revision)
      else this.#revisions.delete(key)
    }
    this.#unanswered.delete(key)
  }

  #read<K extends Kind>(key: string, kind: K, text: string): ReadonlyArray<RecordOf<K>> {
    try {
      const checked = validators[kind](unseal(text))
      if (!checked.ok) throw new TypeError(describeProblems(checked.problems))
      if (checked.value.v > recordVersion) {
        throw new TypeError(
          `this program reads records up to version ${recordVersion}, got ${checked.value.v}`,
        )
      }
      checkMeaning[kind](checked.value as never)
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

interface Records {
  readonly agent: AgentRecord
  readonly framework: FrameworkRecord
  readonly role: RoleRecord
  readonly cluster: ClusterRecord
}
type RecordOf<K extends Kind> = Records[K]
