import type { Envelope, Received } from './envelope.js'
import { protocolVersion } from './envelope.js'
import type { SessionId } from './ids.js'

/** What the number of a message says about the ones before it. */
export type Arrival = 'next' | 'repeated' | 'gap' | 'new-session'

/**
 * The numbers of one end of a link: those it gives to what it sends, and those it has seen of the other end. Plain
 * state, changed only by its methods; no clock and no chance.
 */
export class LinkEnd {
  readonly session: SessionId
  /** In which this end speaks. */
  version: number
  #lastSent = 0
  #peer: Received = { session: '', sequence: 0 }
  #mark = 0

  constructor(session: SessionId, version = protocolVersion) {
    this.session = session
    this.version = version
  }

  get lastSent(): number {
    return this.#lastSent
  }

  /** The last message taken from the other end. */
  get received(): Received {
    return this.#peer
  }

  /** Wraps the next message. */
  wrap(
    kind: string,
    body: unknown,
    epoch: number,
    options: { call?: string; to?: SessionId } = {},
  ): Envelope {
    const sequence = ++this.#lastSent
    return { v: this.version, kind, session: this.session, sequence, epoch, ...options, body }
  }

  /** Looks at a message's number and takes it, unless it is a repetition. */
  arrive(message: { readonly session: SessionId; readonly sequence: number }): Arrival {
    const { session, sequence } = message
    if (session !== this.#peer.session) {
      this.#peer = { session, sequence }
      return 'new-session'
    }
    if (sequence <= this.#peer.sequence) return 'repeated'
    const isNext = sequence === this.#peer.sequence + 1
    this.#peer = { session, sequence }
    return isNext ? 'next' : 'gap'
  }

  /** Takes the number of a message that was refused: answered as it is, it is not lost, unless those before it are. */
  skip({ session, sequence }: Received): void {
    if (session === this.#peer.session && sequence === this.#peer.sequence + 1)
      this.#peer = { session, sequence }
  }

  /**
   * Whether something that was sent is known to be lost, from what the other end says in a heartbeat. A message may
   * still be on its way at one heartbeat, but not at the next: so it must have what had been sent at the one before.
   */
  hasLost(report: Received): boolean {
    const lost = report.session !== this.session ? this.#mark > 0 : report.sequence < this.#mark
    this.#mark = this.#lastSent
    return lost
  }
}
