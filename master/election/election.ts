import type { LogLevel, Millis } from '@tender/sdk/runtime'
import { formatLease, type LeaderAddress, parseLease } from './lease.js'

/** Something that has happened; the answers are to the one operation that was asked for last. */
export type ElectionInput = { readonly now: Millis } & (
  | { readonly kind: 'start' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'read'; readonly entry: LeaseEntry | undefined }
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'deleted' }
  /** The lease was not as the write expected it. */
  | { readonly kind: 'conflict' }
  /** Whether the operation was done is not known. */
  | { readonly kind: 'failed'; readonly error: string }
  /** The store tells that the lease was given up. */
  | { readonly kind: 'vanished' }
  | { readonly kind: 'step-down'; readonly reason: string }
  /** Leads no more, and leaves the lease to others for as long as one lasts. */
  | { readonly kind: 'give-up'; readonly reason: string }
  /** For good. */
  | { readonly kind: 'resign' }
)

export interface LeaseEntry {
  readonly value: string
  readonly revision: number
}

/** To be done with the lease; answered by exactly one input before there is another. */
export type LeaseOperation =
  | { readonly kind: 'read' }
  | { readonly kind: 'create'; readonly value: string }
  | { readonly kind: 'update'; readonly value: string; readonly revision: number }
  | { readonly kind: 'delete'; readonly revision: number }

export type ElectionNotice =
  /** This master leads now. The epoch is the revision of the write that won, so it grows with every election. */
  | { readonly kind: 'elected'; readonly epoch: number }
  /** This master leads no more: another one does, or may. */
  | { readonly kind: 'deposed'; readonly reason: string }
  /** Another master leads, or none is known. */
  | { readonly kind: 'following'; readonly leader: LeaderAddress | undefined }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly fields?: Readonly<Record<string, unknown>>
    }

export type ElectionCommand = LeaseOperation | ElectionNotice

type Asked = LeaseOperation & {
  /** The term of which it is; 0 for none. */
  readonly epoch: number
  readonly atMs: Millis
}

type Input<K extends ElectionInput['kind']> = Extract<ElectionInput, { readonly kind: K }>

/** How many times a leader renews in one lease. */
const renewalsPerLease = 4
/** How many times a standby looks in one lease: old NATS servers do not tell when an entry has vanished. */
const looksPerLease = 10

/**
 * Leader election by a lease: one key, alone in a bucket whose entries vanish after `leaseMs`. Who creates it leads, and
 * renews it by compare-and-set; the others look whether it is still there. A renewal that is late deposes nobody; one
 * that finds another's lease does.
 *
 * A machine without clock or store: each input gives the commands that follow from it. When nothing else happens, a
 * `tick` is wanted at `dueAtMs`.
 */
export class Election {
  readonly #self: LeaderAddress
  readonly #leaseMs: number
  /** 0 while this master does not lead. */
  #epoch = 0
  /** The newest that is known to be this master's own. */
  #revision = 0
  /** Whether a lease of this master's may stand, by all that it knows. */
  #mayStand = false
  #asked: Asked | undefined
  #dueAtMs: Millis = Infinity
  /** The lease was given up while an operation was on its way, which may not have seen it. */
  #lookAtOnce = false
  /** It has given up, and lets others stand first. */
  #restsUntilMs: Millis = 0
  #isStoreAway = false
  #isResigning = false
  /** Whom this master has said it follows, as text. */
  #known: string | undefined

  constructor(options: { readonly self: LeaderAddress; readonly leaseMs: number }) {
    this.#self = options.self
    this.#leaseMs = options.leaseMs
  }

  get isLeader(): boolean {
    return this.#epoch > 0
  }

  /** Of the term that lasts; 0 while this master does not lead. */
  get epoch(): number {
    return this.#epoch
  }

  /** When a tick is wanted; never, while an operation is to be answered. */
  get dueAtMs(): Millis | undefined {
    return this.#asked || this.#isResigning || this.#dueAtMs === Infinity ? undefined : this.#dueAtMs
  }

  /** An operation has not been answered yet. */
  get isAsking(): boolean {
    return this.#asked !== undefined
  }

  step(input: ElectionInput): ElectionCommand[] {
    switch (input.kind) {
      case 'vanished':
        if (input.now < this.#restsUntilMs) return []
        this.#lookAtOnce = this.#asked !== undefined
        return this.#again(input.now)
      case 'start':
        return this.#again(input.now)
      case 'tick':
        return this.#turn(input.now)
      case 'step-down':
        return this.#epoch > 0 ? [this.#depose(input.reason), ...this.#wait(input.now)] : []
      case 'give-up':
        return this.#giveUp(input)
      case 'resign':
        return this.#resign(input.now)
      default:
        return this.#answered(input)
    }
  }

  #turn(now: Millis): ElectionCommand[] {
    if (this.#asked || this.#isResigning || now < this.#dueAtMs) return []
    return [this.#epoch > 0 ? this.#renew(now, this.#revision) : this.#ask({ kind: 'read' }, now)]
  }

  #answered(
    input: Input<'read'> | Input<'written'> | Input<'deleted'> | Input<'conflict'> | Input<'failed'>,
  ): ElectionCommand[] {
    const asked = this.#asked
    if (!asked) throw new Error(`the store was not asked, and answers '${input.kind}'`)
    this.#asked = undefined
    const commands = input.kind === 'failed' ? this.#missed(input.error) : this.#reached()
    if (this.#isResigning) return [...commands, ...this.#goOnResigning(asked, input)]
    switch (input.kind) {
      case 'read':
        return [...commands, ...this.#seen(input)]
      case 'written':
        return [...commands, ...this.#written(asked, input)]
      case 'conflict':
        return [...commands, ...this.#conflict(asked, input.now)]
      case 'failed':
        // Counted from the question: a part of the lease has gone by with waiting for the answer.
        this.#wait(asked.atMs)
        return [...commands, ...this.#notCreated(asked)]
      case 'deleted':
        this.#mayStand = false
        this.#dueAtMs = this.#restsUntilMs
        return commands
    }
  }

  #seen({ entry, now }: Input<'read'>): ElectionCommand[] {
    const lease = entry && parseLease(entry.value)
    const isOwn = lease?.masterId === this.#self.masterId
    this.#mayStand = isOwn
    if (!entry) return [this.#create(now)]
    if (this.#epoch > 0) {
      if (!isOwn) return [this.#depose('the lease was lost'), ...this.#wait(now)]
      // Renewals follow one upon the other by compare-and-set: nobody has led since.
      if (lease.epoch === this.#epoch || entry.revision === this.#revision)
        return [this.#renew(now, entry.revision)]
      return [this.#depose('the lease had ended'), this.#take(now, entry.revision)]
    }
    if (!isOwn) return [...this.#follow(lease), ...this.#wait(now)]
    // It was won, and the answer was lost. Any other lease of its own is of a term that is over, and has to end first.
    const isUnheard = lease.epoch === undefined && entry.revision > this.#revision
    return isUnheard ? [this.#take(now, entry.revision)] : [...this.#follow(undefined), ...this.#wait(now)]
  }

  #written(asked: Asked, { revision, now }: Input<'written'>): ElectionCommand[] {
    // What was written so long ago may have ended since: this process has stood still.
    const isLate = now - asked.atMs >= this.#leaseMs
    const isRenewal = asked.kind === 'update' && asked.epoch > 0
    // After a lease that has ended by itself, the next revision shows that nobody else has had one.
    const isSameTerm = this.#epoch > 0 && revision === this.#revision + 1
    if (isRenewal || isSameTerm) {
      this.#revision = revision
      return isLate ? this.#again(now) : this.#wait(now)
    }
    const deposed = this.#epoch > 0 ? [this.#depose('the lease had ended')] : []
    if (isLate) return [...deposed, this.#take(now, revision)]
    this.#epoch = revision
    this.#revision = revision
    this.#known = undefined
    return [...deposed, { kind: 'elected', epoch: revision }, ...this.#wait(now)]
  }

  #conflict(asked: LeaseOperation, now: Millis): ElectionCommand[] {
    if (asked.kind === 'update') return [this.#ask({ kind: 'read' }, now)]
    this.#mayStand = false
    const deposed = this.#epoch > 0 ? [this.#depose('the lease was lost')] : []
    return [...deposed, ...this.#notCreated(asked), ...this.#wait(now)]
  }

  /** The lease was gone, so whoever led does no more, and who does now is not known. */
  #notCreated(asked: LeaseOperation): ElectionCommand[] {
    return asked.kind === 'create' && this.#known !== undefined ? this.#follow(undefined) : []
  }

  #giveUp({ reason, now }: Input<'give-up'>): ElectionCommand[] {
    if (this.#epoch === 0) return []
    const deposed = this.#depose(reason)
    // What is on its way may have changed the lease: it ends by itself.
    if (this.#asked) return [deposed]
    this.#restsUntilMs = now + this.#leaseMs
    return [deposed, this.#ask({ kind: 'delete', revision: this.#revision }, now)]
  }

  #resign(now: Millis): ElectionCommand[] {
    if (this.#isResigning) return []
    const wasLeader = this.#epoch > 0
    this.#isResigning = true
    this.#epoch = 0
    // A write may be on its way; only when it has come back is it known what is to be given up.
    if (this.#asked || !this.#mayStand) return []
    return [this.#ask(wasLeader ? { kind: 'delete', revision: this.#revision } : { kind: 'read' }, now)]
  }

  #goOnResigning(asked: LeaseOperation, input: ElectionInput): ElectionCommand[] {
    const { now } = input
    switch (input.kind) {
      case 'written':
        return [this.#ask({ kind: 'delete', revision: input.revision }, now)]
      case 'conflict':
        return [this.#ask({ kind: 'read' }, now)]
      case 'read': {
        const isOwn = input.entry && parseLease(input.entry.value)?.masterId === this.#self.masterId
        return input.entry && isOwn
          ? [this.#ask({ kind: 'delete', revision: input.entry.revision }, now)]
          : []
      }
      case 'failed':
        // One more attempt, for the case that only an answer was lost; not more, since somebody waits.
        if (asked.kind === 'update' || asked.kind === 'create') return [this.#ask({ kind: 'read' }, now)]
        if (!this.#mayStand) return []
        return [log('warn', 'the lease could not be given up; it ends by itself', { error: input.error })]
      default:
        return []
    }
  }

  #ask<O extends LeaseOperation>(operation: O, now: Millis): O {
    this.#asked = { ...operation, epoch: this.#epoch, atMs: now }
    return operation
  }

  #create(now: Millis): ElectionCommand {
    this.#mayStand = true
    return this.#ask({ kind: 'create', value: formatLease(this.#self) }, now)
  }

  #renew(now: Millis, revision: number): ElectionCommand {
    return this.#ask({ kind: 'update', value: formatLease(this.#self, this.#epoch), revision }, now)
  }

  /** Wins by a lease that this master has written, but not heard of in time. */
  #take(now: Millis, revision: number): ElectionCommand {
    return this.#ask({ kind: 'update', value: formatLease(this.#self), revision }, now)
  }

  #again(now: Millis): ElectionCommand[] {
    this.#dueAtMs = now
    return this.#turn(now)
  }

  #wait(now: Millis): [] {
    const timesPerLease = this.#epoch > 0 ? renewalsPerLease : looksPerLease
    this.#dueAtMs = this.#lookAtOnce ? now : now + this.#leaseMs / timesPerLease
    this.#lookAtOnce = false
    return []
  }

  #depose(reason: string): ElectionCommand {
    this.#epoch = 0
    return { kind: 'deposed', reason }
  }

  #follow(lease: LeaderAddress | undefined): ElectionCommand[] {
    const leader = lease && { masterId: lease.masterId, httpUrl: lease.httpUrl }
    const text = JSON.stringify(leader ?? null)
    if (text === this.#known) return []
    this.#known = text
    return [{ kind: 'following', leader }]
  }

  /** The registry is away. A leader goes on: what needs no new durable fact can still be done. */
  #missed(error: string): ElectionCommand[] {
    if (this.#isStoreAway) return []
    this.#isStoreAway = true
    return [log('warn', 'the lease could not be read or written', { error })]
  }

  #reached(): ElectionCommand[] {
    if (!this.#isStoreAway) return []
    this.#isStoreAway = false
    return [log('info', 'the lease can be read and written again')]
  }
}

function log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): ElectionCommand {
  return { kind: 'log', level, message, ...(fields ? { fields } : {}) }
}
