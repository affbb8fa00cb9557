import type { ClusterEvent } from '../core/view.js'
import { EventRing } from './event-ring.js'

/** An event as it goes to clients. */
export interface SentEvent {
  readonly id: string
  readonly json: string
}

/** How far a reader has come; only the hub looks inside. */
export interface Cursor {
  readonly stream: string
  readonly number: number
}

/** What follows a cursor. A gap means that something between is not known here: the reader must fetch the state. */
export type Reading =
  | { readonly kind: 'events'; readonly events: readonly SentEvent[]; readonly cursor: Cursor }
  | { readonly kind: 'gap'; readonly reason: string }

interface Entry {
  readonly number: number
  event: ClusterEvent | undefined
  json: string | undefined
}

/** How many events are kept for readers that come back; at about 1 kB each. */
export const defaultEventCapacity = 4_096

/**
 * Where the leader's events go, and where every reader takes them at its own pace. An event's id is `<stream>.<number>`;
 * the stream is one leadership of one master, so that an id of another one is recognised and never taken for a place here.
 */
export class EventHub {
  readonly #capacity: number
  readonly #listeners = new Set<(event: ClusterEvent) => void>()
  readonly #wakers = new Set<(ended: boolean) => void>()
  #ring: EventRing<Entry>
  #stream = 'none'

  constructor(options: { readonly capacity?: number } = {}) {
    this.#capacity = options.capacity ?? defaultEventCapacity
    this.#ring = new EventRing(this.#capacity)
  }

  /**
   * This master has begun to lead. What was before is forgotten, and its readers are told so.
   * @param stream a text that no other leadership has, such as `<masterId>-<epoch>`
   */
  begin(stream: string): void {
    this.#restart(stream)
    this.#wake(false)
  }

  /** This master leads no more: its readers are let go, so that they look for the leader. */
  end(): void {
    this.#restart('none')
    this.#wake(true)
  }

  publish(event: ClusterEvent): void {
    this.#ring.push({ number: this.#ring.last + 1, event, json: undefined })
    for (const listener of this.#listeners) listener(event)
    this.#wake(false)
  }

  /** Calls with each event as it is published. Returns how to stop that. */
  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls when there may be something to read, and with `true` when the reader must go. Returns how to stop that. */
  onWake(waker: (ended: boolean) => void): () => void {
    this.#wakers.add(waker)
    return () => this.#wakers.delete(waker)
  }

  /** The id of the newest event: who fetches the state now has missed nothing up to it. */
  get lastEventId(): string {
    return idOf(this.now)
  }

  /** The cursor after the newest event. */
  get now(): Cursor {
    return { stream: this.#stream, number: this.#ring.last }
  }

  /** The cursor after the event of this id, which may be of anywhere: `read` says whether it can be gone on from. */
  cursorAt(eventId: string): Cursor {
    const match = /^(.*)\.(\d{1,15})$/.exec(eventId)
    return { stream: match?.[1] ?? '', number: Number(match?.[2] ?? 0) }
  }

  read(cursor: Cursor, limit: number): Reading {
    const { stream, number } = cursor
    if (stream !== this.#stream) return { kind: 'gap', reason: 'these events are of another leadership' }
    if (!this.#ring.holdsAfter(number)) {
      return {
        kind: 'gap',
        reason: `event ${number} is not among the last ${this.#capacity} of ${this.#ring.last}`,
      }
    }
    const events = this.#ring.after(number, limit).map(entry => this.#sent(entry))
    return { kind: 'events', events, cursor: { stream, number: number + events.length } }
  }

  // Made into text at the first reading, once for all readers; without readers never.
  #sent(entry: Entry): SentEvent {
    entry.json ??= JSON.stringify(entry.event)
    entry.event = undefined
    return { id: idOf({ stream: this.#stream, number: entry.number }), json: entry.json }
  }

  #restart(stream: string): void {
    this.#stream = stream
    this.#ring = new EventRing(this.#capacity)
  }

  #wake(ended: boolean): void {
    for (const waker of this.#wakers) waker(ended)
  }
}

function idOf({ stream, number }: Cursor): string {
  return `${stream}.${number}`
}
