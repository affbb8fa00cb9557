/** Whether messages can get through now. */
export type TransportStatus = 'connected' | 'disconnected' | 'closed'

export interface TransportSubscription {
  unsubscribe(): void
}

/**
 * Carries bytes between processes by subject, at most once and in order for each pair of publisher and subscriber.
 * A subject is a path of tokens joined by `.`; in a subscription `*` stands for one token and a last `>` for the rest.
 */
export interface Transport {
  /** Queues the message; never blocks and never fails for a lost connection. @throws RangeError when it is too large */
  publish(subject: string, bytes: Uint8Array): void
  subscribe(subject: string, handler: (bytes: Uint8Array, subject: string) => void): TransportSubscription
  readonly status: TransportStatus
  /** Called on each change of `status`. */
  onStatus(listener: (status: TransportStatus) => void): void
  /** Sends what is queued and closes. */
  close(): Promise<void>
}
