import {
  type CancelTimer,
  type Clock,
  describeError,
  type KeyValueStore,
  type Log,
  StoreConflictError,
} from '@tender/sdk/runtime'

/** Where the leader is; the value of the lease. */
export interface LeaderAddress {
  readonly masterId: string
  readonly httpUrl: string
}

export interface ElectorEvents {
  /** This master leads now. The epoch is the revision of the write that won, so it grows with every election. */
  elected(epoch: number): void
  /** This master leads no more: another one does, or may. */
  deposed(reason: string): void
  /** Another master leads, or none is known. */
  following(leader: LeaderAddress | undefined): void
}

const leaseKey = 'leader'

/**
 * Leader election by a lease: one key in a bucket whose entries vanish after `leaseMs`. Who creates it leads, and
 * renews it four times a lease by compare-and-set. The others try to create it ten times a lease: old NATS servers do
 * not tell when an entry has vanished, so they have to ask. A renewal that is late deposes nobody; one that finds
 * another's entry does.
 */
export class Elector {
  readonly #store: KeyValueStore
  readonly #self: LeaderAddress
  readonly #leaseMs: number
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: ElectorEvents
  /** The last revision that this master wrote; 0 while it does not lead. */
  #revision = 0
  #known: string | undefined
  #cancel: CancelTimer = () => {}
  #turning: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: {
    store: KeyValueStore
    self: LeaderAddress
    leaseMs: number
    clock: Clock
    log: Log
    events: ElectorEvents
  }) {
    this.#store = options.store
    this.#self = options.self
    this.#leaseMs = options.leaseMs
    this.#clock = options.clock
    this.#log = options.log
    this.#events = options.events
  }

  get isLeader(): boolean {
    return this.#revision > 0
  }

  start(): void {
    this.#turning = this.#turn()
  }

  /** Gives leadership up, so that another master need not wait for the lease to end. */
  async resign(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    // A write may be on its way; only when it has come back is it known what is to be given up.
    await this.#turning
    const revision = this.#revision
    this.#revision = 0
    if (revision === 0) return
    await this.#store.delete(leaseKey, revision).catch((error: unknown) => {
      this.#log.warn('the lease could not be given up; it ends by itself', { error: describeError(error) })
    })
  }

  /** Leads no more, e.g. because a newer epoch was seen; stands for election again. */
  stepDown(reason: string): void {
    if (this.#revision === 0) return
    this.#revision = 0
    this.#events.deposed(reason)
  }

  async #turn(): Promise<void> {
    try {
      if (this.#revision > 0) await this.#renew()
      else await this.#stand()
    } catch (error) {
      // The registry is away. A leader goes on: what needs no new durable fact can still be done.
      this.#log.warn('the lease could not be read or written', { error: describeError(error) })
    }
    if (this.#stopped) return
    const waitMs = this.#revision > 0 ? this.#leaseMs / 4 : this.#leaseMs / 10
    this.#cancel = this.#clock.setTimer(waitMs, () => this.start())
  }

  async #renew(): Promise<void> {
    const before = this.#revision
    try {
      const revision = await this.#store.update(leaseKey, this.#value(), before)
      if (this.#revision === before) this.#revision = revision
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error
      await this.#regain(before)
    }
  }

  /**
   * The lease is not as this master left it. It may be another's; or nobody's, because no renewal came in time; or
   * still its own, by a renewal whose answer was lost.
   */
  async #regain(before: number): Promise<void> {
    try {
      const entry = await this.#store.get(leaseKey)
      if (entry && entry.value !== this.#value()) return this.stepDown('the lease was lost')
      const revision = entry
        ? await this.#store.update(leaseKey, this.#value(), entry.revision)
        : await this.#store.create(leaseKey, this.#value())
      if (this.#revision === before) this.#revision = revision
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error
      this.stepDown('the lease was lost')
    }
  }

  async #stand(): Promise<void> {
    const entry = await this.#store.get(leaseKey)
    if (entry) return this.#follow(entry.value)
    try {
      const revision = await this.#store.create(leaseKey, this.#value())
      this.#revision = revision
      if (this.#stopped) return
      this.#known = undefined
      this.#events.elected(revision)
    } catch (error) {
      if (!(error instanceof StoreConflictError)) throw error
    }
  }

  #follow(value: string): void {
    if (value === this.#known) return
    this.#known = value
    const leader = JSON.parse(value) as LeaderAddress
    // After stepping down, its own lease stands until it ends: then nobody leads.
    this.#events.following(leader.masterId === this.#self.masterId ? undefined : leader)
  }

  #value(): string {
    return JSON.stringify(this.#self)
  }
}
