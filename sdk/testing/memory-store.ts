import { type KeyValueStore, StoreConflictError, type StoreEntry } from '../runtime/store.js'

/** A store that lives as long as its variable: the same rules as JetStream's, nothing durable. */
export class MemoryStore implements KeyValueStore {
  readonly #entries = new Map<string, StoreEntry>()
  #revision = 0

  async get(key: string): Promise<StoreEntry | undefined> {
    return this.#entries.get(key)
  }

  async list(prefix = ''): Promise<StoreEntry[]> {
    return [...this.#entries.values()]
      .filter(entry => entry.key.startsWith(prefix))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  async put(key: string, value: string): Promise<number> {
    return this.#write(key, value)
  }

  async create(key: string, value: string): Promise<number> {
    this.#expect(key, this.#entries.get(key)?.revision === undefined)
    return this.#write(key, value)
  }

  async update(key: string, value: string, revision: number): Promise<number> {
    this.#expect(key, (this.#entries.get(key)?.revision ?? 0) === revision)
    return this.#write(key, value)
  }

  async delete(key: string, revision?: number): Promise<void> {
    this.#expect(key, revision === undefined || this.#entries.get(key)?.revision === revision)
    this.#entries.delete(key)
    this.#revision++
  }

  #expect(key: string, holds: boolean): void {
    if (!holds) throw new StoreConflictError(`'${key}' was changed by somebody else`)
  }

  #write(key: string, value: string): number {
    this.#entries.set(key, { key, value, revision: ++this.#revision })
    return this.#revision
  }
}
