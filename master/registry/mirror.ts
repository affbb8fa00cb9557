import type { Clock, KeyValueStore, StoreChange } from '@tender/sdk/runtime'
import { StoredRecord } from './stored-record.js'

/** A standby has little else to do, but must renew, answer and be elected in between. */
const recordsAtOnce = 50
/** One that hears nothing for so long is taken for cut off. */
const patienceMs = 500

/**
 * What the registry holds, read and checked as it is written: who is elected need not begin with that. It says nothing of
 * what it finds, because that is the leader's to say.
 */
export class RegistryMirror {
  readonly #clock: Clock
  readonly #records = new Map<string, StoredRecord>()
  readonly #stop: (() => void) | undefined
  #unread: StoredRecord[] = []
  #revision = 0
  #changesSeen = 0
  #awaited: { readonly revision: number; readonly arrived: () => void } | undefined

  constructor(store: KeyValueStore, clock: Clock) {
    this.#clock = clock
    this.#stop = store.follow?.(change => this.#take(change))
  }

  /** Up to which it has been told of what is in the store. */
  get revision(): number {
    return this.#revision
  }

  /** All records by key, as they were at this revision or later; nothing when the mirror does not get there. */
  async recordsAt(revision: number): Promise<readonly StoredRecord[] | undefined> {
    if (!this.#stop || !(await this.#reaches(revision))) return undefined
    return [...this.#records.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  stop(): void {
    this.#stop?.()
    this.#unread = []
  }

  /** However much there is, it is waited for as long as more of it comes. */
  async #reaches(revision: number): Promise<boolean> {
    while (this.#revision < revision) {
      const seen = this.#changesSeen
      await new Promise<void>(resolve => {
        const cancel = this.#clock.setTimer(patienceMs, resolve)
        const arrived = () => {
          cancel()
          resolve()
        }
        this.#awaited = { revision, arrived }
      })
      if (this.#revision < revision && this.#changesSeen === seen) return false
    }
    return true
  }

  #take(change: StoreChange): void {
    this.#changesSeen++
    switch (change.kind) {
      case 'begun':
        this.#records.clear()
        this.#unread = []
        this.#revision = 0
        return
      case 'written':
        this.#keep(new StoredRecord(change.entry.key, change.entry.value))
        this.#revision = change.entry.revision
        break
      case 'deleted':
        this.#records.delete(change.key)
        this.#revision = change.revision
        break
    }
    if (this.#awaited && this.#revision >= this.#awaited.revision) this.#awaited.arrived()
  }

  #keep(record: StoredRecord): void {
    this.#records.set(record.key, record)
    if (this.#unread.push(record) === 1) this.#readLater()
  }

  #readLater(): void {
    setImmediate(() => {
      for (const record of this.#unread.splice(0, recordsAtOnce)) record.read()
      if (this.#unread.length > 0) this.#readLater()
    })
  }
}
