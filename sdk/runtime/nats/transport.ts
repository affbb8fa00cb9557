import { type NatsConnection, Events, NatsError } from 'nats'
import { describeError, type Log } from '../log.js'
import type { Transport, TransportStatus, TransportSubscription } from '../transport.js'

/** Core NATS as a transport. What is published while the connection is down is lost: the protocol sees to that. */
export class NatsTransport implements Transport {
  readonly #connection: NatsConnection
  readonly #log: Log
  readonly #listeners: ((status: TransportStatus) => void)[] = []
  #status: TransportStatus = 'connected'

  constructor(connection: NatsConnection, log: Log) {
    this.#connection = connection
    this.#log = log
    void this.#watch()
  }

  get status(): TransportStatus {
    return this.#status
  }

  publish(subject: string, bytes: Uint8Array): void {
    // What is published while disconnected would be queued by the client and arrive late, out of its session.
    if (this.#status !== 'connected' || this.#connection.isClosed()) return
    try {
      this.#connection.publish(subject, bytes)
    } catch (error) {
      if (error instanceof NatsError && error.code === 'MAX_PAYLOAD_EXCEEDED') {
        const allowed = this.#connection.info?.max_payload
        throw new RangeError(`a message may have ${allowed} bytes at most, got ${bytes.length}`, {
          cause: error,
        })
      }
      throw error
    }
  }

  subscribe(subject: string, handler: (bytes: Uint8Array, subject: string) => void): TransportSubscription {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) this.#log.error('NATS refused a subscription', { subject, error: describeError(error) })
        else handler(message.data, message.subject)
      },
    })
    return { unsubscribe: () => subscription.unsubscribe() }
  }

  onStatus(listener: (status: TransportStatus) => void): void {
    this.#listeners.push(listener)
  }

  async close(): Promise<void> {
    this.#become('closed')
    if (!this.#connection.isClosed()) await this.#connection.drain().catch(() => this.#connection.close())
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === Events.Disconnect) this.#become('disconnected')
      else if (status.type === Events.Reconnect) this.#become('connected')
      else if (status.type === Events.Error) this.#log.error('NATS reports an error', { detail: status.data })
    }
  }

  #become(status: TransportStatus): void {
    if (this.#status === status || this.#status === 'closed') return
    this.#status = status
    this.#log.debug(`NATS ${status}`)
    for (const listener of this.#listeners) listener(status)
  }
}
