import { keyPart } from '@tender/sdk/runtime'
import type { AgentRecord, RegistryContent, RegistryRecord } from '../../../master/registry/records.js'
import { seal, unseal } from '../../../master/registry/seal.js'
import type { Bucket } from '../world/bucket.js'
import type { Connection } from '../world/network.js'
import type { Outcome, Store } from '../world/store.js'

/** As long as the shell's own store waits for an answer. */
const timeoutMs = 5_000

interface Job {
  readonly records: readonly RegistryRecord[]
  readonly done: (outcome: Outcome<undefined>) => void
}

/** A write that got no answer: it may have been done. */
interface Unanswered {
  readonly key: string
  readonly text: string | undefined
}

/**
 * The registry as a leader's shell uses it. It writes before it reads, so that no write of an earlier leader can arrive
 * any more; and each write is done only if nothing was written by anybody else since this leader's last.
 */
export class RegistryWriter {
  readonly #store: Store
  readonly #bucket: Bucket
  readonly #connection: Connection
  readonly #jobs: Job[] = []
  #revision = 0
  #unanswered: Unanswered | undefined
  #isWriting = false
  #onStopped: (() => void) | undefined

  constructor(store: Store, bucket: Bucket, connection: Connection) {
    this.#store = store
    this.#bucket = bucket
    this.#connection = connection
  }

  load(done: (outcome: Outcome<RegistryContent>) => void): void {
    this.#ask(
      (bucket, now) => bucket.append('fence', undefined, undefined, now),
      outcome => {
        if (outcome.kind !== 'done') return done(outcome)
        this.#revision = outcome.value
        this.#read(done)
      },
    )
  }

  #read(done: (outcome: Outcome<RegistryContent>) => void): void {
    this.#ask(
      (bucket, now) => bucket.list(now),
      outcome => {
        if (outcome.kind !== 'done') return done(outcome)
        const of = (kind: string): unknown[] =>
          outcome.value.flatMap(({ key, value }) => (key.startsWith(`${kind}.`) ? [unseal(value)] : []))
        const content = {
          agents: of('agent') as AgentRecord[],
          frameworks: of('framework'),
          roles: of('role'),
          cluster: of('cluster')[0],
        } as RegistryContent
        done({ kind: 'done', value: content })
      },
    )
  }

  write(records: readonly RegistryRecord[], done: Job['done']): void {
    this.#jobs.push({ records, done })
    if (!this.#isWriting) this.#next()
  }

  /** The term is over: what has not begun is not written. @param done when what has begun is written */
  stop(done: () => void): void {
    this.#jobs.length = 0
    if (this.#isWriting) this.#onStopped = done
    else done()
  }

  #next(): void {
    const job = this.#jobs.shift()
    this.#isWriting = job !== undefined
    if (!job) return this.#onStopped?.()
    this.#writeFrom(job, 0, outcome => {
      job.done(outcome)
      this.#next()
    })
  }

  #writeFrom({ records }: Job, index: number, done: Job['done']): void {
    const record = records[index]
    if (!record) return done({ kind: 'done', value: undefined })
    const again = (outcome: Outcome<unknown>, from: number): void =>
      outcome.kind === 'done' ? this.#writeFrom({ records, done }, from, done) : done(outcome)
    if (this.#unanswered) return this.#readBack(this.#unanswered, outcome => again(outcome, index))
    const key = `${record.kind}.${keyPart(record.id)}`
    const text = record.value === undefined ? undefined : seal(record.value)
    this.#unanswered = { key, text }
    const after = this.#revision
    this.#ask(
      (bucket, now) => bucket.append(key, text, after, now),
      outcome => {
        if (outcome.kind === 'done') this.#written(outcome.value)
        again(outcome, index + 1)
      },
    )
  }

  #written(revision: number): void {
    this.#unanswered = undefined
    this.#revision = revision
  }

  /** What is there as it was to be written is this leader's own, and no conflict. */
  #readBack({ key, text }: Unanswered, done: (outcome: Outcome<unknown>) => void): void {
    this.#ask(
      (bucket, now) => bucket.get(key, now),
      outcome => {
        if (outcome.kind !== 'done') return done(outcome)
        this.#unanswered = undefined
        const entry = outcome.value
        if (entry && entry.value === text && entry.revision > this.#revision) this.#written(entry.revision)
        done(outcome)
      },
    )
  }

  #ask<T>(work: (bucket: Bucket, now: number) => T, done: (outcome: Outcome<T>) => void): void {
    this.#store.ask(this.#connection, this.#bucket, { timeoutMs, work, done })
  }
}
