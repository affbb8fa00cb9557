import type { Envelope, Peer } from '@tender/sdk/protocol'
import type { Chance } from './chance.js'
import type { Timeline } from './timeline.js'

/** What is published: on whose subject, and the envelope or its bytes. */
export interface Parcel {
  /** Who speaks, when it is for the leader. */
  readonly peer?: Peer
  readonly envelope: Envelope | Uint8Array
}

type Handler = (parcel: Parcel) => void

/** How the way between one process and the broker is. It belongs to the place and outlives the process. */
export interface Weather {
  /** What the process sends, or what is sent to it, is lost without anybody noticing. */
  cutOut: boolean
  cutIn: boolean
  /** More delay, of what comes and goes. */
  delayMs: number
}

/** One life of a process, as the broker knows it. */
export interface Connection {
  readonly place: string
  status: 'connected' | 'disconnected' | 'closed'
  readonly weather: Weather
  readonly handlers: Map<string, Handler>
  readonly onStatus: (status: 'connected' | 'disconnected') => void
  /** When the last message to each other connection arrives: links keep their order. */
  readonly lastAtMs: Map<Connection, number>
}

export interface NetworkFigures {
  sent: number
  lost: number
  doubled: number
}

/**
 * The broker, and the links to it. Between one publisher and one subscriber messages keep their order; between
 * different ones nothing is promised. Whatever is under way when the broker dies is lost.
 */
export class Network {
  readonly figures: NetworkFigures = { sent: 0, lost: 0, doubled: 0 }
  lossProbability = 0
  doubleProbability = 0
  /** The broker is down: nobody is connected. */
  isDown = false
  readonly #timeline: Timeline
  readonly #chance: Chance
  readonly #connections = new Set<Connection>()
  readonly #weathers = new Map<string, Weather>()
  /** By address. */
  readonly #subscribers = new Map<string, Set<Connection>>()
  #generation = 0

  constructor(timeline: Timeline, chance: Chance) {
    this.#timeline = timeline
    this.#chance = chance
  }

  get generation(): number {
    return this.#generation
  }

  weatherAt(place: string): Weather {
    let weather = this.#weathers.get(place)
    if (!weather) this.#weathers.set(place, (weather = { cutOut: false, cutIn: false, delayMs: 0 }))
    return weather
  }

  connect(place: string, onStatus: Connection['onStatus']): Connection {
    const connection: Connection = {
      place,
      status: this.isDown ? 'disconnected' : 'connected',
      weather: this.weatherAt(place),
      handlers: new Map(),
      onStatus,
      lastAtMs: new Map(),
    }
    this.#connections.add(connection)
    return connection
  }

  subscribe(connection: Connection, address: string, handler: Handler): void {
    connection.handlers.set(address, handler)
    const subscribers = this.#subscribers.get(address)
    if (subscribers) subscribers.add(connection)
    else this.#subscribers.set(address, new Set([connection]))
  }

  close(connection: Connection): void {
    connection.status = 'closed'
    this.#connections.delete(connection)
    for (const address of connection.handlers.keys()) this.#subscribers.get(address)?.delete(connection)
  }

  publish(from: Connection, address: string, parcel: Parcel): void {
    if (from.status !== 'connected') return
    for (const to of this.#subscribers.get(address) ?? []) this.#carry(from, to, address, parcel)
  }

  #carry(from: Connection, to: Connection, address: string, parcel: Parcel): void {
    this.figures.sent++
    const isLost = from.weather.cutOut || (this.lossProbability > 0 && this.#chance.is(this.lossProbability))
    if (isLost || to.status !== 'connected') {
      this.figures.lost++
      return
    }
    const earliest = this.#timeline.now + this.delay(from.weather) + to.weather.delayMs
    const atMs = Math.max(earliest, from.lastAtMs.get(to) ?? 0)
    from.lastAtMs.set(to, atMs)
    const generation = this.#generation
    const arrive = () => {
      const isThere = generation === this.#generation && to.status === 'connected' && !to.weather.cutIn
      if (isThere) to.handlers.get(address)?.(parcel)
      else this.figures.lost++
    }
    this.#timeline.at(atMs, arrive)
    if (this.doubleProbability > 0 && this.#chance.is(this.doubleProbability)) {
      this.figures.doubled++
      this.#timeline.at(atMs, arrive)
    }
  }

  /** How long something takes on the way now. */
  delay(weather: Weather): number {
    return 0.2 + this.#chance.next() * 3 + weather.delayMs * this.#chance.next()
  }

  /** Everything under way is lost, and everybody notices. */
  goDown(): void {
    this.isDown = true
    this.#generation++
    for (const connection of [...this.#connections]) this.disconnect(connection)
  }

  /** Each comes back at a moment of its own. */
  comeUp(): void {
    this.isDown = false
    for (const connection of this.#connections) {
      this.#timeline.after(this.#chance.integer(10, 4_000), () => this.reconnect(connection))
    }
  }

  /** A connection that breaks so that its process notices. */
  disconnect(connection: Connection): void {
    if (connection.status !== 'connected') return
    connection.status = 'disconnected'
    connection.onStatus('disconnected')
  }

  reconnect(connection: Connection): void {
    if (connection.status !== 'disconnected' || this.isDown) return
    connection.status = 'connected'
    connection.onStatus('connected')
  }

  connectionsAt(place: string): Connection[] {
    return [...this.#connections].filter(connection => connection.place === place)
  }
}
