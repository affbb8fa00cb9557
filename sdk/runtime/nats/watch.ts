import { Events, type KV, type KvEntry, type NatsConnection } from 'nats'
import type { StoreListener } from '../store.js'

const retryMs = 1_000

/**
 * Follows one key of a bucket until it is stopped or the connection is closed. The client's own watch needs ten seconds
 * to notice that the server has forgotten it, so each new connection gets a new one.
 */
export class BucketWatch {
  readonly #connection: NatsConnection
  readonly #bucket: KV
  readonly #key: string
  readonly #listener: StoreListener
  #isStopped = false
  #interrupt: () => void = () => {}
  #lastRevision = 0
  #isThere = false

  constructor(connection: NatsConnection, bucket: KV, key: string, listener: StoreListener) {
    this.#connection = connection
    this.#bucket = bucket
    this.#key = key
    this.#listener = listener
    void this.#follow()
    void this.#followConnection()
  }

  stop(): void {
    this.#isStopped = true
    this.#interrupt()
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#connection.isClosed()
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      try {
        const entries = await this.#bucket.watch({ key: this.#key })
        this.#interrupt = () => entries.stop()
        if (this.#isOver) entries.stop()
        for await (const entry of entries) this.#tell(entry)
      } catch {
        // JetStream is away; whoever listens has to look by itself meanwhile.
        await this.#pause()
      }
    }
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#isStopped) return
      if (type === Events.Reconnect) this.#interrupt()
    }
  }

  /** Until it is time to try again, or there is a new connection. */
  async #pause(): Promise<void> {
    if (this.#isOver) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, retryMs).unref()
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** A new watch begins with what is there, which may have been told. */
  #tell(entry: KvEntry): void {
    if (this.#isStopped || entry.revision <= this.#lastRevision) return
    this.#lastRevision = entry.revision
    const isThere = entry.operation === 'PUT'
    if (!isThere && !this.#isThere) return
    this.#isThere = isThere
    const { key, revision } = entry
    this.#listener(isThere ? { key, value: entry.string(), revision } : undefined)
  }
}
