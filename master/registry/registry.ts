import { type KeyValueStore, keyPart, type Log } from '@tender/sdk/runtime'
import type { RegistryMirror } from './mirror.js'
import {
  type AgentRecord,
  type ClusterRecord,
  type FrameworkRecord,
  recordVersion,
  type RegistryContent,
  type RegistryRecord,
  type RoleRecord,
} from './records.js'
import { seal } from './seal.js'
import { StoredRecord } from './stored-record.js'

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
  readonly #mirror: RegistryMirror | undefined
  /** Of the last write to the whole store. */
  #revision = 0
  /** What was to be written, and may have been. */
  #unanswered: { readonly key: string; readonly text: string | undefined } | undefined

  /** @param mirror of the same store, which spares reading it when it is up to date */
  constructor(store: KeyValueStore, log: Log, mirror?: RegistryMirror) {
    this.#store = store
    this.#log = log
    this.#mirror = mirror
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
    const mirroredRevision = this.#mirror?.revision ?? 0
    this.#revision = await this.#store.append(fence, undefined)
    let unread = 0
    for (const record of await this.#records(mirroredRevision)) {
      if (!record.wasRead && ++unread % recordsAtOnce === 0) await otherWork()
      const { key } = record
      const reading = record.read()
      if (reading.kind === 'agent') agents.push(reading.value)
      else if (reading.kind === 'framework') frameworks.push(reading.value)
      else if (reading.kind === 'role') roles.push(reading.value)
      else if (reading.kind === 'cluster') cluster = reading.value
      else if (reading.kind === 'newer') throw newerRecord(key, reading.v)
      else if (reading.kind === 'unknown')
        this.#log.error('the registry holds a record of an unknown kind; it is left alone', { key })
      else
        this.#log.error('a record of the registry cannot be read; it is left out', {
          key,
          error: reading.error,
        })
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

  /**
   * With the fence, the mirror has all that was written before it; but not if it had seen later ones already: then it is
   * of a bucket that was there before this one.
   */
  async #records(mirroredRevision: number): Promise<readonly StoredRecord[]> {
    const isOfStore = this.#revision > mirroredRevision
    const mirrored = isOfStore ? await this.#mirror?.recordsAt(this.#revision) : undefined
    if (mirrored) return mirrored
    return (await this.#store.list()).map(({ key, value }) => new StoredRecord(key, value))
  }
}

async function otherWork(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

function newerRecord(key: string, v: number): NewerRecordError {
  return new NewerRecordError(
    `'${key}' in the registry is of version ${v}; this Tender reads up to ${recordVersion}. Start the newer one again`,
  )
}
