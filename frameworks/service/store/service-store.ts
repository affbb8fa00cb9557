import { describeProblems, type KeyValueStore, type StoreEntry } from '@tender/sdk'
import type { AppRecord, InstanceRecord, Write } from '../core/index.js'
import { appRecords, instanceRecords, type RecordKind, recordVersion } from './records.js'

/** The store was written by a later Tender: reading it halfway would lose what it says. */
export class NewerStoreError extends Error {
  override readonly name = 'NewerStoreError'
}

/** What `load` found: what could be read, and what could not and was set aside. */
export interface Loaded {
  readonly apps: readonly AppRecord[]
  readonly instances: readonly InstanceRecord[]
  readonly setAside: readonly { readonly key: string; readonly problem: string }[]
}

const setAsidePrefix = 'set-aside.'

/** Apps and instances as JSON in a key-value store, one entry each. */
export class ServiceStore {
  readonly #store: KeyValueStore

  constructor(store: KeyValueStore) {
    this.#store = store
  }

  /**
   * Reads everything. A record that cannot be read is moved to `set-aside.<key>`, where it hinders nobody and can be
   * looked at.
   * @throws NewerStoreError when a record was written by a later version
   */
  async load(): Promise<Loaded> {
    const apps: AppRecord[] = []
    const instances: InstanceRecord[] = []
    const setAside: { key: string; problem: string }[] = []
    for (const entry of await this.#store.list()) {
      if (entry.key.startsWith(setAsidePrefix)) continue
      const found = read(entry)
      if (found.kind === 'app') apps.push(found.record)
      else if (found.kind === 'instance') instances.push(found.record)
      else setAside.push({ key: entry.key, problem: await this.#setAside(entry, found.problem) })
    }
    return { apps, instances, setAside }
  }

  async #setAside({ key, value }: StoreEntry, problem: string): Promise<string> {
    await this.#store.put(`${setAsidePrefix}${key}`, value)
    await this.#store.delete(key)
    return problem
  }

  async write(write: Write): Promise<void> {
    const key = keyOf(write)
    switch (write.kind) {
      case 'put-app':
        await this.#store.put(key, toJson(write.app))
        return
      case 'put-instance':
        await this.#store.put(key, toJson(write.instance))
        return
      case 'remove-app':
      case 'remove-instance':
        await this.#store.delete(key)
        return
    }
  }
}

/** The entry that a write changes. */
export function keyOf(write: Write): string {
  switch (write.kind) {
    case 'put-app':
      return appRecords.key(write.app.id)
    case 'remove-app':
      return appRecords.key(write.appId)
    case 'put-instance':
      return instanceRecords.key(write.instance.taskId)
    case 'remove-instance':
      return instanceRecords.key(write.taskId)
  }
}

function toJson(record: object): string {
  return JSON.stringify({ v: recordVersion, ...record })
}

type Read =
  | { readonly kind: 'app'; readonly record: AppRecord }
  | { readonly kind: 'instance'; readonly record: InstanceRecord }
  | { readonly kind: 'unreadable'; readonly problem: string }

function read({ key, value }: StoreEntry): Read {
  const json = parse(value)
  if (json === undefined) return { kind: 'unreadable', problem: 'must be JSON' }
  refuseNewer(key, json)
  if (key.startsWith(appRecords.prefix)) return checked('app', json, appRecords)
  if (key.startsWith(instanceRecords.prefix)) return checked('instance', json, instanceRecords)
  return { kind: 'unreadable', problem: 'is neither an app nor an instance' }
}

function checked<K extends 'app' | 'instance', T>(kind: K, json: unknown, { validate }: RecordKind<T>) {
  const validated = validate(json)
  if (!validated.ok) return { kind: 'unreadable', problem: describeProblems(validated.problems) } as const
  const { v: _, ...record } = validated.value
  return { kind, record: record as unknown as T }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuseNewer(key: string, json: unknown): void {
  const version = typeof json === 'object' && json !== null && 'v' in json ? json.v : undefined
  if (typeof version !== 'number' || version <= recordVersion) return
  throw new NewerStoreError(
    `'${key}' in the store of the service framework has version ${version}; this Tender reads up to ${recordVersion}. Start the newer Tender again`,
  )
}
