import { StoreConflictError } from '@tender/sdk/runtime'
import type { Bucket } from './bucket.js'
import type { Chance } from './chance.js'
import type { Connection, Network } from './network.js'
import type { Timeline } from './timeline.js'

/** What becomes of an operation on a bucket. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'conflict'; readonly message: string }
  /** Not done, or done without the answer having come: nobody knows. */
  | { readonly kind: 'failed'; readonly message: string }

/** How the store does, apart from the way to it. */
export interface StoreHealth {
  /** Nothing is answered. */
  isAway: boolean
  /** More time for each operation. */
  slowMs: number
  /** Done, but the answer gets lost. */
  lostAnswers: number
  /** Refused at once. */
  refusals: number
}

/** JetStream: buckets that are reached over the network, in the order of asking, with answers that may never come. */
export class Store {
  readonly health: StoreHealth = { isAway: false, slowMs: 0, lostAnswers: 0, refusals: 0 }
  operations = 0
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #chance: Chance
  readonly #lastAtMs = new WeakMap<Connection, number>()

  constructor(timeline: Timeline, network: Network, chance: Chance) {
    this.#timeline = timeline
    this.#network = network
    this.#chance = chance
  }

  /** @param done called once, at the latest when the time is over */
  ask<T>(
    connection: Connection,
    bucket: Bucket,
    options: {
      readonly timeoutMs: number
      readonly work: (bucket: Bucket, now: number) => T
      readonly done: (outcome: Outcome<T>) => void
    },
  ): void {
    this.operations++
    let isOver = false
    const finish = (outcome: Outcome<T>) => {
      if (isOver) return
      isOver = true
      options.done(outcome)
    }
    const late = `no answer within ${options.timeoutMs} ms`
    this.#timeline.after(options.timeoutMs, () => finish({ kind: 'failed', message: late }))
    const { weather } = connection
    const arrivesAtMs = Math.max(
      this.#timeline.now + this.#network.delay(weather) + this.health.slowMs * this.#chance.next(),
      this.#lastAtMs.get(connection) ?? 0,
    )
    this.#lastAtMs.set(connection, arrivesAtMs)
    if (connection.status !== 'connected' || weather.cutOut || this.#network.isDown) return
    const { generation } = this.#network
    this.#timeline.at(arrivesAtMs, () => {
      if (this.health.isAway || generation !== this.#network.generation) return
      if (this.#chance.is(this.health.refusals))
        return finish({ kind: 'failed', message: 'the store refused it' })
      const outcome = this.#perform(bucket, options.work)
      const isLost = weather.cutIn || this.#chance.is(this.health.lostAnswers)
      if (isLost) return
      this.#timeline.after(this.#network.delay(weather), () => {
        if (generation === this.#network.generation && !weather.cutIn) finish(outcome)
      })
    })
  }

  #perform<T>(bucket: Bucket, work: (bucket: Bucket, now: number) => T): Outcome<T> {
    try {
      return { kind: 'done', value: work(bucket, this.#timeline.now) }
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error
      return { kind: 'conflict', message: error.message }
    }
  }
}
