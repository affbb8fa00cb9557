import type { CancelTimer, Clock } from '@tender/sdk/runtime'
import type { Response } from 'express'
import type { Cursor, EventHub } from './events.js'

const heartbeatMs = 5_000
const eventsPerWrite = 100

export interface EventStreamOptions {
  readonly hub: EventHub
  readonly clock: Clock
  /** The last event that the client has seen, if it comes back. */
  readonly lastEventId: string | undefined
  readonly onDropped: (reason: string) => void
}

/**
 * Writes the hub's events to one client as server-sent events. Nothing is queued for a client: it has a cursor, and is
 * written to only while it takes what was written before. One that falls out of the hub's memory is dropped; when it
 * comes back it is told to start anew (`reset`), as is one that names an event that is not known here.
 */
export class EventStream {
  readonly #response: Response
  readonly #options: EventStreamOptions
  #cursor: Cursor
  #isWoken = false
  #cancelHeartbeat: CancelTimer | undefined

  constructor(response: Response, options: EventStreamOptions) {
    this.#response = response
    this.#options = options
    const { hub, lastEventId } = options
    this.#cursor = lastEventId === undefined ? hub.now : hub.cursorAt(lastEventId)
  }

  /** Writes until the client goes or is dropped. */
  start(): void {
    const { hub, lastEventId } = this.#options
    this.#response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    })
    this.#response.flushHeaders()
    const stopWaking = hub.onWake(ended => this.#wake(ended))
    this.#response.on('drain', () => this.#pump())
    this.#response.on('close', () => {
      stopWaking()
      this.#cancelHeartbeat?.()
    })

    this.#response.write('retry: 1000\n')
    const reading = hub.read(this.#cursor, 0)
    if (reading.kind === 'gap') this.#reset(reading.reason)
    // An id without data moves the client's place and is no event to it: so even the first reconnect loses nothing.
    else this.#response.write(`id: ${lastEventId ?? hub.lastEventId}\n\n`)
    this.#heartbeat()
    this.#pump()
  }

  #wake(ended: boolean): void {
    if (ended) {
      this.#reset('this master leads no more')
      this.#response.end()
    } else if (this.#response.writableNeedDrain) {
      this.#dropIfLost()
    } else if (!this.#isWoken) {
      this.#isWoken = true
      // Events come many in one turn: they are written together at its end.
      setImmediate(() => {
        this.#isWoken = false
        this.#pump()
      })
    }
  }

  #pump(): void {
    const { hub } = this.#options
    while (this.#takesMore()) {
      const reading = hub.read(this.#cursor, eventsPerWrite)
      if (reading.kind === 'gap') {
        this.#bridge(reading.reason)
        return
      }
      if (reading.events.length === 0) return
      this.#cursor = reading.cursor
      this.#response.write(reading.events.map(({ id, json }) => `id: ${id}\ndata: ${json}\n\n`).join(''))
    }
  }

  #takesMore(): boolean {
    const { destroyed, writableEnded, writableNeedDrain } = this.#response
    return !destroyed && !writableEnded && !writableNeedDrain
  }

  /** A new leadership is told to the client; within one, it is the client that was too slow. */
  #bridge(reason: string): void {
    if (this.#cursor.stream === this.#options.hub.now.stream) this.#drop(reason)
    else this.#reset(reason)
  }

  #reset(reason: string): void {
    const { hub } = this.#options
    this.#cursor = hub.now
    this.#response.write(`id: ${hub.lastEventId}\nevent: reset\ndata: ${JSON.stringify({ reason })}\n\n`)
  }

  #dropIfLost(): void {
    const reading = this.#options.hub.read(this.#cursor, 0)
    if (reading.kind === 'gap') this.#drop(reading.reason)
  }

  #drop(reason: string): void {
    if (this.#response.destroyed) return
    this.#options.onDropped(reason)
    this.#response.destroy()
  }

  #heartbeat(): void {
    const { clock } = this.#options
    if (this.#takesMore()) {
      this.#response.write(`event: heartbeat\ndata: ${JSON.stringify({ nowMs: clock.now() })}\n\n`)
    }
    this.#cancelHeartbeat = clock.setTimer(heartbeatMs, () => this.#heartbeat())
  }
}
