import {
  headers,
  type JetStreamClient,
  type KV,
  type KvEntry,
  nanos,
  type NatsConnection,
  NatsError,
  StorageType,
} from 'nats'
import {
  type KeyValueStore,
  StoreConflictError,
  type StoreEntry,
  type StoreFollower,
  type StoreListener,
} from '../store.js'
import { BucketWatch } from './watch.js'

export interface NatsStoreOptions {
  /** Letters, digits, `_` and `-`. */
  readonly bucket: string
  /** 1 on one server, 3 in production. */
  readonly replicas?: number
  /** Entries vanish this long after their last write. Absent: never. At least 100 ms. */
  readonly ttlMs?: number
}

/** To make a bucket, on several servers too, takes longer than to write to it. */
const openTimeoutMs = 5_000
const leastTimeoutMs = 250
const wrongLastSequence = 10071
/** Nobody listens where JetStream would. */
const noResponders = '503'

/** The NATS server answers, but without JetStream, where all that is durable lives. */
export class JetStreamMissingError extends Error {
  override readonly name = 'JetStreamMissingError'
  constructor(server: string, options?: ErrorOptions) {
    super(
      `the NATS server at ${server} has no JetStream, which is needed; start it with nats-server -js, or with a jetstream block in its configuration`,
      options,
    )
  }
}

/** A JetStream key-value bucket, made when it is not there. */
export class NatsStore implements KeyValueStore {
  readonly #connection: NatsConnection
  readonly #name: string
  readonly #stream: JetStreamClient
  readonly #bucket: KV

  private constructor(connection: NatsConnection, name: string, stream: JetStreamClient, bucket: KV) {
    this.#connection = connection
    this.#name = name
    this.#stream = stream
    this.#bucket = bucket
  }

  /** @throws JetStreamMissingError when the server has no JetStream */
  static async open(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
    const patient = connection.jetstream({ timeout: openTimeoutMs })
    const opened = patient.views.kv(options.bucket, {
      history: 1,
      replicas: options.replicas ?? 1,
      storage: StorageType.File,
      ...(options.ttlMs === undefined ? {} : { ttl: options.ttlMs }),
    })
    const bucket = await opened.catch((error: unknown) => {
      const isMissing = error instanceof NatsError && error.code === noResponders
      throw isMissing ? new JetStreamMissingError(connection.getServer(), { cause: error }) : error
    })
    await adjust(connection, bucket, options)
    if (options.ttlMs === undefined) return new NatsStore(connection, options.bucket, patient, bucket)
    // An answer that comes when the entry may have vanished is of no use: when it is lost, there must be time to ask again.
    const timeout = Math.max(leastTimeoutMs, options.ttlMs / 4)
    const stream = connection.jetstream({ timeout, checkAPI: false })
    const bound = await stream.views.kv(options.bucket, { bindOnly: true })
    return new NatsStore(connection, options.bucket, stream, bound)
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    const entry = await this.#bucket.get(key)
    return entry && entry.operation === 'PUT' ? toEntry(entry) : undefined
  }

  async list(prefix = ''): Promise<StoreEntry[]> {
    const entries: StoreEntry[] = []
    // An empty bucket sends nothing at all, not even the end of the initial values.
    const status = await this.#bucket.status()
    if (status.values === 0) return entries
    const watch = await this.#bucket.watch({ ignoreDeletes: false })
    for await (const entry of watch) {
      if (entry.operation === 'PUT' && entry.key.startsWith(prefix)) entries.push(toEntry(entry))
      if (entry.delta === 0) break
    }
    watch.stop()
    return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  async put(key: string, value: string): Promise<number> {
    return await this.#bucket.put(key, encode(value))
  }

  async create(key: string, value: string): Promise<number> {
    return await conflictAware(key, () => this.#bucket.create(key, encode(value)))
  }

  async update(key: string, value: string, revision: number): Promise<number> {
    return await conflictAware(key, () => this.#bucket.update(key, encode(value), revision))
  }

  async delete(key: string, revision?: number): Promise<void> {
    await conflictAware(key, () =>
      this.#bucket.delete(key, revision === undefined ? undefined : { previousSeq: revision }),
    )
  }

  async append(key: string, value: string | undefined, after?: number): Promise<number> {
    const removal = headers()
    removal.set('KV-Operation', 'DEL')
    const options = {
      ...(value === undefined ? { headers: removal } : {}),
      ...(after === undefined ? {} : { expect: { lastSequence: after } }),
    }
    const { seq } = await conflictAware(key, () =>
      this.#stream.publish(`$KV.${this.#name}.${key}`, encode(value ?? ''), options),
    )
    return seq
  }

  watch(key: string, listener: StoreListener): () => void {
    return this.#watch(key, newsOf(listener))
  }

  follow(follower: StoreFollower): () => void {
    return this.#watch('>', follower)
  }

  #watch(key: string, follower: StoreFollower): () => void {
    const watch = new BucketWatch(
      { connection: this.#connection, stream: this.#stream, name: this.#name, key },
      follower,
    )
    return () => watch.stop()
  }
}

/** Tells what was not told already of the one entry that is watched. */
function newsOf(listener: StoreListener): StoreFollower {
  let lastRevision = 0
  let isThere = false
  return change => {
    if (change.kind === 'begun') return
    const { revision } = change.kind === 'written' ? change.entry : change
    if (revision <= lastRevision) return
    lastRevision = revision
    if (change.kind === 'deleted' && !isThere) return
    isThere = change.kind === 'written'
    listener(change.kind === 'written' ? change.entry : undefined)
  }
}

/** A bucket that is there already keeps its settings when it is opened: they are brought to what is asked for now. */
async function adjust(connection: NatsConnection, bucket: KV, options: NatsStoreOptions): Promise<void> {
  const { ttl, replicas, streamInfo } = await bucket.status()
  const ttlMs = options.ttlMs ?? 0
  if (ttl === ttlMs && replicas === (options.replicas ?? replicas)) return
  const manager = await connection.jetstreamManager()
  const { duplicate_window: window } = streamInfo.config
  await manager.streams.update(streamInfo.config.name, {
    max_age: nanos(ttlMs),
    // It may not be longer than entries live.
    duplicate_window: ttlMs === 0 ? window : Math.min(window, nanos(ttlMs)),
    num_replicas: options.replicas ?? replicas,
  })
}

async function conflictAware<T>(key: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === wrongLastSequence) {
      throw new StoreConflictError(`'${key}' was changed by somebody else`, { cause: error })
    }
    throw error
  }
}

function encode(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

function toEntry(entry: KvEntry): StoreEntry {
  return { key: entry.key, value: entry.string(), revision: entry.revision }
}
