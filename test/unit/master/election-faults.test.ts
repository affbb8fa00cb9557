import { SeededRandom } from '@tender/sdk/testing'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Election, type ElectionInput, type LeaseOperation } from '../../../master/election/election.js'

const leaseMs = 1_000
const stepMs = 10
const faultsMs = 30_000
const answerTimeoutMs = leaseMs / 4
const seeds = 300

type Happening = ElectionInput extends infer I ? (I extends ElectionInput ? Omit<I, 'now'> : never) : never

/** One key whose entry vanishes. */
class Bucket {
  #revision = 0
  #entry: { readonly value: string; readonly revision: number; readonly endsAtMs: number } | undefined

  perform(operation: LeaseOperation, nowMs: number): Happening {
    const entry = this.#entry && nowMs < this.#entry.endsAtMs ? this.#entry : undefined
    if (operation.kind === 'read') return { kind: 'read', entry }
    if (operation.kind === 'create' ? entry : entry?.revision !== operation.revision)
      return { kind: 'conflict' }
    const revision = ++this.#revision
    const isDelete = operation.kind === 'delete'
    this.#entry = isDelete ? undefined : { value: operation.value, revision, endsAtMs: nowMs + leaseMs }
    return isDelete ? { kind: 'deleted' } : { kind: 'written', revision }
  }
}

interface Request {
  readonly operation: LeaseOperation
  readonly arrivesAtMs: number
  readonly failsAtMs: number
  /** Absent: the answer is lost. */
  readonly answeredAtMs: number | undefined
  answer?: Happening
}

interface Master {
  readonly election: Election
  asked?: Request | undefined
  standsStillUntilMs: number
}

/** Masters around a bucket: requests and answers are late or lost, masters stand still, step down and are replaced. */
class Cluster {
  nowMs = 0
  /** Of all who were elected, in the order in which they were. */
  readonly epochs: number[] = []
  readonly #random: SeededRandom
  readonly #bucket = new Bucket()
  readonly #masters: Master[] = []
  #onTheirWay: Request[] = []
  #born = 0
  #hasFaults = true

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    for (let count = 0; count < 3; count++) this.#addMaster()
  }

  get leaderEpochs(): number[] {
    return this.#masters.filter(({ election }) => election.isLeader).map(({ election }) => election.epoch)
  }

  run(durationMs: number, { faults }: { faults: boolean }): void {
    this.#hasFaults = faults
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; this.nowMs += stepMs) {
      this.#deliver()
      for (const master of [...this.#masters]) this.#turn(master)
    }
  }

  #addMaster(): void {
    const masterId = `m${++this.#born}`
    const self = { masterId, httpUrl: `http://${masterId}` }
    const master = { election: new Election({ self, leaseMs }), standsStillUntilMs: 0 }
    this.#masters.push(master)
    this.#tell(master, { kind: 'start' })
  }

  #deliver(): void {
    const arrived = this.#onTheirWay.filter(({ arrivesAtMs }) => arrivesAtMs <= this.nowMs)
    this.#onTheirWay = this.#onTheirWay.filter(({ arrivesAtMs }) => arrivesAtMs > this.nowMs)
    for (const request of arrived) {
      request.answer = this.#bucket.perform(request.operation, this.nowMs)
      if (request.answer.kind !== 'deleted') continue
      for (const master of this.#masters)
        if (master.standsStillUntilMs <= this.nowMs && this.#chance(0.8))
          this.#tell(master, { kind: 'vanished' })
    }
  }

  #turn(master: Master): void {
    if (master.standsStillUntilMs > this.nowMs) return
    const { asked, election } = master
    if (asked?.answer && asked.answeredAtMs !== undefined && asked.answeredAtMs <= this.nowMs) {
      master.asked = undefined
      this.#tell(master, asked.answer)
    } else if (asked && asked.failsAtMs <= this.nowMs) {
      master.asked = undefined
      this.#tell(master, { kind: 'failed', error: 'no answer' })
    }
    if ((election.dueAtMs ?? Infinity) <= this.nowMs) this.#tell(master, { kind: 'tick' })
    if (this.#hasFaults) this.#harm(master)
  }

  #harm(master: Master): void {
    if (this.#chance(0.002)) master.standsStillUntilMs = this.nowMs + this.#upTo(3 * leaseMs)
    if (this.#chance(0.001)) this.#tell(master, { kind: 'step-down', reason: 'chance' })
    if (!this.#chance(0.001)) return
    if (this.#chance(0.5)) this.#tell(master, { kind: 'resign' })
    this.#masters.splice(this.#masters.indexOf(master), 1)
    this.#addMaster()
  }

  #tell(master: Master, happening: Happening): void {
    for (const command of master.election.step({ ...happening, now: this.nowMs })) {
      switch (command.kind) {
        case 'read':
        case 'create':
        case 'update':
        case 'delete':
          this.#ask(master, command)
          break
        case 'elected':
          this.epochs.push(command.epoch)
          break
        default:
      }
    }
  }

  #ask(master: Master, operation: LeaseOperation): void {
    expect(master.asked, 'one operation at a time').to.equal(undefined)
    const isSlow = this.#hasFaults && this.#chance(0.1)
    const arrivesAtMs = this.nowMs + (isSlow ? this.#upTo(2 * leaseMs) : stepMs)
    const isAnswerLost = this.#hasFaults && this.#chance(0.1)
    const request: Request = {
      operation,
      arrivesAtMs,
      failsAtMs: this.nowMs + answerTimeoutMs,
      answeredAtMs: isAnswerLost ? undefined : arrivesAtMs + stepMs,
    }
    master.asked = request
    if (!this.#hasFaults || !this.#chance(0.1)) this.#onTheirWay.push(request)
  }

  #chance(share: number): boolean {
    return this.#random.next() < share
  }

  #upTo(ms: number): number {
    return Math.floor(this.#random.next() * ms)
  }
}

describe('elections in which everything goes wrong', () => {
  it(`have epochs that grow, and end with one leader of the newest epoch (${seeds} seeds)`, function () {
    this.timeout(60_000)
    for (let seed = 1; seed <= seeds; seed++) {
      const cluster = new Cluster(seed)
      cluster.run(faultsMs, { faults: true })
      cluster.run(8 * leaseMs, { faults: false })
      const { epochs, leaderEpochs } = cluster
      expect(epochs, `seed ${seed}`).to.deep.equal([...new Set(epochs)].toSorted((a, b) => a - b))
      expect(leaderEpochs, `seed ${seed}`).to.deep.equal([epochs.at(-1)])
    }
  })
})
