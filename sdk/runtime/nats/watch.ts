import {
  consumerOpts,
  DeliverPolicy,
  Events,
  type JetStreamClient,
  type JsMsg,
  type NatsConnection,
} from 'nats'
import type { StoreFollower } from '../store.js'

const retryMs = 1_000

export interface WatchedBucket {
  readonly connection: NatsConnection
  readonly stream: JetStreamClient
  readonly name: string
  /** `>` is all. */
  readonly key: string
}

/**
 * Follows one key of a bucket, or all, until it is stopped or the connection is closed. The client's own watch needs ten
 * seconds to notice that the server has forgotten it, so each new connection gets a new one. Whenever changes may have
 * been missed, it begins again with all that is there.
 */
export class BucketWatch {
  readonly #bucket: WatchedBucket
  readonly #follower: StoreFollower
  #isStopped = false
  #interrupt: () => void = () => {}

  constructor(bucket: WatchedBucket, follower: StoreFollower) {
    this.#bucket = bucket
    this.#follower = follower
    void this.#follow()
    void this.#followConnection()
  }

  stop(): void {
    this.#isStopped = true
    this.#interrupt()
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#bucket.connection.isClosed()
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#followOnce()
      } catch {
        // JetStream is away; whoever listens has to look by itself meanwhile.
        await this.#pause()
      }
    }
  }

  async #followOnce(): Promise<void> {
    const { stream, name, key } = this.#bucket
    const options = consumerOpts({ deliver_policy: DeliverPolicy.LastPerSubject })
    options.bindStream(`KV_${name}`)
    options.orderedConsumer()
    const messages = await stream.subscribe(`$KV.${name}.${key}`, options)
    this.#interrupt = () => messages.unsubscribe()
    if (this.#isOver) return messages.unsubscribe()
    this.#follower({ kind: 'begun' })
    let consumer: string | undefined
    for await (const message of messages) {
      if (this.#isStopped) break
      // The client has made another one, which goes on where the last one ended, even if the bucket was made anew.
      consumer ??= message.info.consumer
      if (message.info.consumer !== consumer) break
      this.#tell(message)
    }
    messages.unsubscribe()
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#bucket.connection.status()) {
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

  #tell(message: JsMsg): void {
    const key = message.subject.slice(`$KV.${this.#bucket.name}.`.length)
    const { seq: revision } = message
    const isDeletion = message.headers?.has('KV-Operation') ?? false
    if (isDeletion) this.#follower({ kind: 'deleted', key, revision })
    else this.#follower({ kind: 'written', entry: { key, value: message.string(), revision } })
  }
}
