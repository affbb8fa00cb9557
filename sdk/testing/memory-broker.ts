import type { Clock } from '../runtime/clock.js'
import type { Transport, TransportStatus, TransportSubscription } from '../runtime/transport.js'

interface Subscription {
  readonly owner: MemoryTransport
  readonly tokens: readonly string[]
  readonly handler: (bytes: Uint8Array, subject: string) => void
}

/**
 * Stands in for a NATS server inside one process: subjects with wildcards, at most once, in order. A message takes
 * `delayMs` of the clock's time, so that under a virtual clock nothing happens until time is moved.
 */
export class MemoryBroker {
  readonly #clock: Clock
  readonly #delayMs: number
  #subscriptions: Subscription[] = []
  #isUp = true
  /** How often it was stopped: what was sent in an earlier life never arrives. */
  #stops = 0
  readonly #transports: MemoryTransport[] = []

  constructor(clock: Clock, delayMs = 0) {
    this.#clock = clock
    this.#delayMs = delayMs
  }

  connect(): MemoryTransport {
    const transport = new MemoryTransport(this, this.#isUp ? 'connected' : 'disconnected')
    this.#transports.push(transport)
    return transport
  }

  /** As if the server had been killed: what is in flight is lost, and everybody is disconnected. */
  stop(): void {
    this.#isUp = false
    this.#stops++
    for (const transport of this.#transports) transport.become('disconnected')
  }

  start(): void {
    this.#isUp = true
    for (const transport of this.#transports) transport.become('connected')
  }

  publish(subject: string, bytes: Uint8Array): void {
    const copy = bytes.slice()
    const stops = this.#stops
    this.#clock.setTimer(this.#delayMs, () => {
      if (!this.#isUp || stops !== this.#stops) return
      const tokens = subject.split('.')
      for (const subscription of this.#subscriptions) {
        if (subscription.owner.status === 'connected' && matches(subscription.tokens, tokens)) {
          subscription.handler(copy, subject)
        }
      }
    })
  }

  add(subscription: Subscription): TransportSubscription {
    this.#subscriptions = [...this.#subscriptions, subscription]
    return {
      unsubscribe: () => {
        this.#subscriptions = this.#subscriptions.filter(other => other !== subscription)
      },
    }
  }

  drop(owner: MemoryTransport): void {
    this.#subscriptions = this.#subscriptions.filter(subscription => subscription.owner !== owner)
  }
}

/** One process's connection to a `MemoryBroker`. */
export class MemoryTransport implements Transport {
  readonly #broker: MemoryBroker
  readonly #listeners: ((status: TransportStatus) => void)[] = []
  #status: TransportStatus

  constructor(broker: MemoryBroker, status: TransportStatus) {
    this.#broker = broker
    this.#status = status
  }

  get status(): TransportStatus {
    return this.#status
  }

  publish(subject: string, bytes: Uint8Array): void {
    if (this.#status === 'connected') this.#broker.publish(subject, bytes)
  }

  subscribe(subject: string, handler: (bytes: Uint8Array, subject: string) => void): TransportSubscription {
    return this.#broker.add({ owner: this, tokens: subject.split('.'), handler })
  }

  onStatus(listener: (status: TransportStatus) => void): void {
    this.#listeners.push(listener)
  }

  /** Cuts this process off, or brings it back: what the broker and the simulation's faults call. */
  become(status: TransportStatus): void {
    if (this.#status === status || this.#status === 'closed') return
    this.#status = status
    for (const listener of this.#listeners) listener(status)
  }

  async close(): Promise<void> {
    this.become('closed')
    this.#broker.drop(this)
  }
}

/** NATS' rule: `*` stands for one token, a last `>` for one or more. */
function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  for (const [index, token] of pattern.entries()) {
    if (token === '>') return tokens.length > index
    if (tokens[index] === undefined || (token !== '*' && token !== tokens[index])) return false
  }
  return pattern.length === tokens.length
}
