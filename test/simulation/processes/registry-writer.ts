import { keyPart, type StoreEntry } from '@tender/sdk/runtime'
import type { AgentRecord, RegistryContent, RegistryRecord } from '../../../master/registry/records.js'
import { seal, unseal } from '../../../master/registry/seal.js'
import type { Bucket } from '../world/bucket.js'
import type { Connection } from '../world/network.js'
import type { Outcome, Store } from '../world/store.js'

/** As long as the shell's own store waits for an answer. */
const timeoutMs = 5_000

interface Job {
  readonly records: readonly RegistryRecord[]
  readonly then: (outcome: Outcome<undefined>) => void
}

/** The registry as a leader's shell writes it: one write after another, each a compare-and-set on what it knows. */
export class RegistryWriter {
  readonly #store: Store
  readonly #bucket: Bucket
  readonly #connection: Connection
  readonly #revisions = new Map<string, number>()
  /** What was to be written, and may have been. */
  readonly #unanswered = new Map<string, string | undefined>()
  readonly #jobs: Job[] = []
  #isWriting = false
  #onStopped: (() => void) | undefined

  constructor(store: Store, bucket: Bucket, connection: Connection) {
    this.#store = store
    this.#bucket = bucket
    this.#connection = connection
  }

  load(then: (outcome: Outcome<RegistryContent>) => void): void {
    this.#store.ask(this.#connection, this.#bucket, {
      timeoutMs,
      work: (bucket, now) => bucket.list(now),
      then: outcome => {
        if (outcome.kind !== 'done') return then(outcome)
        const of = (kind: string): unknown[] =>
          outcome.value.flatMap(({ key, value }) => (key.startsWith(`${kind}.`) ? [unseal(value)] : []))
        for (const { key, revision } of outcome.value) this.#revisions.set(key, revision)
        const content = {
          agents: of('agent') as AgentRecord[],
          frameworks: of('framework'),
          roles: of('role'),
          cluster: of('cluster')[0],
        } as RegistryContent
        then({ kind: 'done', value: content })
      },
    })
  }

  write(records: readonly RegistryRecord[], then: Job['then']): void {
    this.#jobs.push({ records, then })
    if (!this.#isWriting) this.#next()
  }

  /** The term is over: what has not begun is not written. @param then when what has begun is written */
  stop(then: () => void): void {
    this.#jobs.length = 0
    if (this.#isWriting) this.#onStopped = then
    else then()
  }

  #next(): void {
    const job = this.#jobs.shift()
    this.#isWriting = job !== undefined
    if (!job) return this.#onStopped?.()
    this.#writeFrom(job, 0, outcome => {
      job.then(outcome)
      this.#next()
    })
  }

  #writeFrom({ records }: Job, index: number, then: Job['then']): void {
    const record = records[index]
    if (!record) return then({ kind: 'done', value: undefined })
    const key = `${record.kind}.${keyPart(record.id)}`
    if (this.#unanswered.has(key)) {
      return this.#readBack(key, outcome =>
        outcome.kind === 'done' ? this.#writeFrom({ records, then }, index, then) : then(outcome),
      )
    }
    const revision = this.#revisions.get(key)
    if (record.value === undefined && revision === undefined)
      return this.#writeFrom({ records, then }, index + 1, then)
    const text = record.value === undefined ? undefined : seal(record.value)
    this.#unanswered.set(key, text)
    this.#store.ask(this.#connection, this.#bucket, {
      timeoutMs,
      work: (bucket, now) => {
        if (text === undefined) return void bucket.delete(key, revision, now)
        return revision === undefined
          ? bucket.create(key, text, now)
          : bucket.update(key, text, revision, now)
      },
      then: outcome => {
        if (outcome.kind !== 'done') return then(outcome)
        this.#unanswered.delete(key)
        if (outcome.value === undefined) this.#revisions.delete(key)
        else this.#revisions.set(key, outcome.value)
        this.#writeFrom({ records, then }, index + 1, then)
      },
    })
  }

  /** A write that got no answer may have been done: then what is there is this leader's own, and no conflict. */
  #readBack(key: string, then: (outcome: Outcome<StoreEntry | undefined>) => void): void {
    this.#store.ask(this.#connection, this.#bucket, {
      timeoutMs,
      work: (bucket, now) => bucket.get(key, now),
      then: outcome => {
        if (outcome.kind !== 'done') return then(outcome)
        const entry = outcome.value
        if (entry?.value === this.#unanswered.get(key)) {
          if (entry) this.#revisions.set(key, entry.revision)
          else this.#revisions.delete(key)
        }
        this.#unanswered.delete(key)
        then(outcome)
      },
    })
  }
}
