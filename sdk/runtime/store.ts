export interface StoreEntry {
  readonly key: string
  readonly value: string
  /** Grows with every write to the store; a compare-and-set names the one it replaces. */
  readonly revision: number
}

/** The value was not what the writer thought it was. */
export class StoreConflictError extends Error {
  override readonly name = 'StoreConflictError'
}

/** What has been written, or nothing when the entry was deleted. */
export type StoreListener = (entry: StoreEntry | undefined) => void

/** What has become of a store, for whoever follows it. */
export type StoreChange =
  /** What was told before does not count any more: all that is there follows. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'written'; readonly entry: StoreEntry }
  /** Also of what was deleted before, or never there. */
  | { readonly kind: 'deleted'; readonly key: string; readonly revision: number }

export type StoreFollower = (change: StoreChange) => void

/** A small durable map: the registry, a framework's own state, the lease of the leader. */
export interface KeyValueStore {
  get(key: string): Promise<StoreEntry | undefined>
  /** All entries, or those whose key starts with `prefix`, by key. */
  list(prefix?: string): Promise<StoreEntry[]>
  /** Writes whatever was there before. Resolves with the revision when it is stored. */
  put(key: string, value: string): Promise<number>
  /** @throws StoreConflictError when the key is there already */
  create(key: string, value: string): Promise<number>
  /** @throws StoreConflictError when the entry is not at `revision` any more */
  update(key: string, value: string, revision: number): Promise<number>
  /** Removes the entry, if it is still at `revision` where one is given. @throws StoreConflictError */
  delete(key: string, revision?: number): Promise<void>
  /**
   * Writes an entry, or removes it when there is no value; if `after` is given, only when nothing at all was written to
   * the store since that revision. So one writer can keep all earlier ones out, whatever they write and however late.
   *
   * @throws StoreConflictError
   */
  append(key: string, value: string | undefined, after?: number): Promise<number>
  /**
   * Tells of an entry: as it is, if it is there, and then whenever it is written or deleted. Of changes that follow each
   * other closely, only the last may be told. That an entry has vanished by its age is told late or never, and so is
   * what happens while the store is away: it makes things faster, and never spares looking from time to time.
   *
   * Stores that cannot do it have no such method.
   *
   * @returns stops it
   */
  watch?(key: string, listener: StoreListener): () => void
  /**
   * Tells all that is there, and then every change, by rising revisions: who has been told of one knows all that was
   * written before it, but for what was replaced since. When something may have been missed, it begins again. That
   * entries vanish by their age is not told, nor that the store is away.
   *
   * Stores that cannot do it have no such method.
   *
   * @returns stops it
   */
  follow?(follower: StoreFollower): () => void
}

/** Makes one part of a key from any text: letters, digits, `_` and `-` stay, all else becomes `=` and its hex code. */
export function keyPart(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map(byte => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9_-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}
