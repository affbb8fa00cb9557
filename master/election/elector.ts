import {
  type CancelTimer,
  type Clock,
  describeError,
  type KeyValueStore,
  type Log,
  StoreConflictError,
} from '@tender/sdk/runtime'
import { Election, type ElectionCommand, type ElectionInput, type LeaseOperation } from './election.js'
import type { LeaderAddress } from './lease.js'

export interface ElectorEvents {
  /** This master leads now. The epoch is the revision of the write that won, so it grows with every election. */
  elected(epoch: number): void
  /** This master leads no more: another one does, or may. */
  deposed(reason: string): void
  /** Another master leads, or none is known. */
  following(leader: LeaderAddress | undefined): void
}

type Happening = ElectionInput extends infer I ? (I extends ElectionInput ? Omit<I, 'now'> : never) : never

const leaseKey = 'leader'

/** Joins the election with a store, whose entries vanish after `leaseMs`, and with time. */
export class Elector {
  readonly #store: KeyValueStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: ElectorEvents
  readonly #election: Election
  #cancel: CancelTimer = () => {}
  #stopWatching: () => void = () => {}
  /** Ends when the operation that is on its way has been answered. */
  #answered: Promise<void> = Promise.resolve()

  constructor(options: {
    store: KeyValueStore
    self: LeaderAddress
    leaseMs: number
    clock: Clock
    log: Log
    events: ElectorEvents
  }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#log = options.log
    this.#events = options.events
    this.#election = new Election(options)
  }

  get isLeader(): boolean {
    return this.#election.isLeader
  }

  /** Of the term that lasts; 0 while this master does not lead. */
  get epoch(): number {
    return this.#election.epoch
  }

  start(): void {
    this.#step({ kind: 'start' })
    const stop = this.#store.watch?.(leaseKey, entry => {
      if (!entry) this.#step({ kind: 'vanished' })
    })
    this.#stopWatching = stop ?? this.#stopWatching
  }

  /** Gives leadership up, so that another master need not wait for the lease to end. */
  async resign(): Promise<void> {
    this.#stopWatching()
    this.#step({ kind: 'resign' })
    while (this.#election.isAsking) await this.#answered
  }

  /** Leads no more, e.g. because a newer epoch was seen; stands for election again. */
  stepDown(reason: string): void {
    this.#step({ kind: 'step-down', reason })
  }

  /** Leads no more, and lets others stand first. */
  giveUp(reason: string): void {
    this.#step({ kind: 'give-up', reason })
  }

  /** Resolves when the lease has been looked at, if that is due, or the store could not be reached. */
  async check(): Promise<void> {
    this.#step({ kind: 'tick' })
    while (this.#election.isAsking) await this.#answered
  }

  #step(happening: Happening): void {
    const commands = this.#election.step({ ...happening, now: this.#clock.now() })
    // Before anybody is told, who may have something to say to it at once.
    this.#setTimer()
    for (const command of commands) this.#perform(command)
  }

  #setTimer(): void {
    this.#cancel()
    const { dueAtMs } = this.#election
    if (dueAtMs === undefined) return
    this.#cancel = this.#clock.setTimer(dueAtMs - this.#clock.now(), () => this.#step({ kind: 'tick' }))
  }

  #perform(command: ElectionCommand): void {
    switch (command.kind) {
      case 'elected':
        return this.#events.elected(command.epoch)
      case 'deposed':
        return this.#events.deposed(command.reason)
      case 'following':
        return this.#events.following(command.leader)
      case 'log':
        return this.#log[command.level](command.message, command.fields)
      default:
        this.#answered = this.#operate(command).then(answer => this.#step(answer))
    }
  }

  async #operate(operation: LeaseOperation): Promise<Happening> {
    try {
      switch (operation.kind) {
        case 'read':
          return { kind: 'read', entry: await this.#store.get(leaseKey) }
        case 'create':
          return { kind: 'written', revision: await this.#store.create(leaseKey, operation.value) }
        case 'update': {
          const { value, revision } = operation
          return { kind: 'written', revision: await this.#store.update(leaseKey, value, revision) }
        }
        case 'delete':
          await this.#store.delete(leaseKey, operation.revision)
          return { kind: 'deleted' }
      }
    } catch (error) {
      if (error instanceof StoreConflictError) return { kind: 'conflict' }
      return { kind: 'failed', error: describeError(error) }
    }
  }
}
