import { AppState } from './app-state.js'
import { noBackoff } from './backoff.js'
import type { AppRecord, InstanceRecord } from './records.js'

/** All apps and their instances. Instances whose app is not known are kept too, and left alone. */
export class AppBook {
  readonly #role: string
  readonly #apps = new Map<string, AppState>()
  readonly #instances = new Map<
    string,
    { readonly state: AppState | undefined; readonly instance: InstanceRecord }
  >()
  /** Those in state UNKNOWN, which somebody has to look at again. */
  readonly #unknown = new Set<string>()

  constructor(role: string) {
    this.#role = role
  }

  /** By id, those that are being deleted included. */
  all(): AppState[] {
    return [...this.#apps.values()].toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1))
  }

  visible(): AppState[] {
    return this.all().filter(state => !state.record.isDeleted)
  }

  get(id: string): AppState | undefined {
    return this.#apps.get(id)
  }

  find(taskId: string) {
    return this.#instances.get(taskId)
  }

  instances(): InstanceRecord[] {
    return [...this.#instances.values()].map(({ instance }) => instance)
  }

  unknown(): InstanceRecord[] {
    return [...this.#unknown].flatMap(taskId => this.#instances.get(taskId)?.instance ?? [])
  }

  /** @returns the instances whose app is not there */
  recover(apps: readonly AppRecord[], instances: readonly InstanceRecord[]): InstanceRecord[] {
    for (const record of apps) this.#apps.set(record.id, new AppState(record, this.#role))
    for (const instance of instances.toSorted((a, b) => a.stagedAtMs - b.stagedAtMs)) {
      this.adopt(this.#apps.get(instance.appId), instance)
    }
    return instances.filter(({ appId }) => !this.#apps.has(appId))
  }

  /** A person has spoken: whatever was held against the app before is forgotten. */
  put(record: AppRecord, isNewConfig: boolean): AppState {
    const state = this.#apps.get(record.id) ?? this.#create(record)
    if (state.record.isDeleted) state.lastFailure = undefined
    state.change(record, this.#role)
    state.backoff = noBackoff
    state.shortage = undefined
    state.askedFor = 0
    state.isDeployed = false
    if (isNewConfig) state.isTight = false
    return state
  }

  /** Takes in a new instance, or the new record of one. */
  adopt(state: AppState | undefined, instance: InstanceRecord): void {
    this.#instances.set(instance.taskId, { state, instance })
    state?.instances.set(instance.taskId, instance)
    if (instance.state === 'UNKNOWN') this.#unknown.add(instance.taskId)
    else this.#unknown.delete(instance.taskId)
  }

  remove(taskId: string): void {
    this.#instances.get(taskId)?.state?.instances.delete(taskId)
    this.#instances.delete(taskId)
    this.#unknown.delete(taskId)
  }

  forget(state: AppState): void {
    this.#apps.delete(state.record.id)
  }

  #create(record: AppRecord): AppState {
    const state = new AppState(record, this.#role)
    this.#apps.set(record.id, state)
    for (const { state: owner, instance } of this.#instances.values()) {
      if (!owner && instance.appId === record.id) this.adopt(state, instance)
    }
    return state
  }
}
