import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { TaskStatus } from '@tender/sdk/protocol'
import { isTerminal, type TaskState } from '@tender/sdk/values'
import { DriverRig } from './driver-rig.js'

type Step =
  | { readonly kind: 'update' }
  | { readonly kind: 'resend'; readonly back: number }
  | { readonly kind: 'said'; readonly state: TaskState; readonly isAnswer: boolean }
  | { readonly kind: 'handler'; readonly isDone: boolean }
  | { readonly kind: 'fail-over' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'ask' }
  | { readonly kind: 'kill' }

const said: TaskState[] = ['RUNNING', 'KILLING', 'UNREACHABLE', 'UNKNOWN', 'GONE', 'FINISHED']
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.constant({ kind: 'update' }),
    fc.record({ kind: fc.constant('resend'), back: fc.nat(4) }),
    fc.record({ kind: fc.constant('said'), state: fc.constantFrom(...said), isAnswer: fc.boolean() }),
    fc.record({ kind: fc.constant('handler'), isDone: fc.boolean() }),
    fc.constant({ kind: 'fail-over' }),
    fc.record({ kind: fc.constant('wait'), ms: fc.nat(9_000) }),
    fc.constant({ kind: 'ask' }),
    fc.constant({ kind: 'kill' }),
  ),
  { maxLength: 60 },
)

/** One task of an agent that sends its updates in any order and number of times, and a handler that may fail. */
class Play {
  readonly rig = DriverRig.subscribed()
  /** What the agent has sent so far; the last is its end. */
  readonly #states: TaskState[] = ['STARTING', 'RUNNING', 'KILLING', 'KILLED']
  #sent = 0
  #epoch = 1
  #calls = 0
  readonly told: TaskStatus[] = []
  readonly handled = new Set<number>()
  readonly acknowledged = new Set<number>()
  #atWork: number | undefined

  constructor() {
    this.rig.accept(['t1'])
    this.rig.answer('c1', { ok: true, result: { tasks: [{ taskId: 't1', ok: true }] } })
  }

  /** The agent says all that is not acknowledged, and the handler does its work, until nothing is left to say. */
  finish(): void {
    while (this.#sent < this.#states.length) this.play({ kind: 'update' })
    for (let round = 0; round < 2 * this.#states.length; round++) {
      for (let back = 0; back < this.#states.length; back++) this.play({ kind: 'resend', back })
      this.play({ kind: 'handler', isDone: true })
    }
  }

  play(step: Step): void {
    switch (step.kind) {
      case 'update':
        this.#sent = Math.min(this.#sent + 1, this.#states.length)
        return this.#hear(this.#sent)
      case 'resend':
        return this.#hear(this.#sent - step.back)
      case 'said':
        this.rig.hearSaid(step.state, step.isAnswer ? { reason: 'RECONCILIATION' } : {})
        break
      case 'handler':
        return this.#handle(step.isDone)
      case 'fail-over':
        this.rig.failOver(++this.#epoch)
        break
      case 'wait':
        this.rig.step({ kind: 'beacon', epoch: this.#epoch })
        this.rig.after(step.ms)
        break
      case 'ask':
        this.rig.call(`ask-${++this.#calls}`, 'reconcile', { tasks: [] })
        break
      case 'kill':
        this.rig.call(`kill-${++this.#calls}`, 'kill', { taskId: 't1' })
    }
    this.#look()
  }

  #hear(sequence: number): void {
    const state = this.#states[sequence - 1]
    if (!state || this.acknowledged.has(sequence)) return
    this.rig.hearUpdate(sequence, state)
    this.#look()
  }

  #handle(isDone: boolean): void {
    const sequence = this.#atWork
    if (sequence === undefined) return
    this.#atWork = undefined
    if (isDone) this.handled.add(sequence)
    if (isDone) this.rig.handled(sequence)
    else this.rig.step({ kind: 'unhandled', taskId: 't1' })
    this.#look()
  }

  #look(): void {
    for (const command of this.rig.last) {
      if (command.kind === 'send' && command.envelope.kind === 'acknowledge')
        this.acknowledged.add((command.envelope.body as { sequence: number }).sequence)
      if (command.kind !== 'event' || command.event.kind !== 'update') continue
      const { status } = command.event
      this.#expectInOrder(status)
      this.told.push(status)
      if (status.sequence !== undefined) this.#atWork = status.sequence
    }
  }

  #expectInOrder({ sequence, state }: TaskStatus): void {
    const hasEnded = this.told.some(each => isTerminal(each.state) && !this.#hasFailed(each))
    if (hasEnded && !isTerminal(state)) throw new Error(`${state} was told of a task that has ended`)
    if (sequence === undefined) return
    if (this.#atWork !== undefined) throw new Error(`${sequence} was told while ${this.#atWork} was at work`)
    if (this.handled.has(sequence)) throw new Error(`${sequence} was told again`)
    for (let earlier = 1; earlier < sequence; earlier++)
      if (!this.handled.has(earlier) && !this.acknowledged.has(earlier))
        throw new Error(`${sequence} was told before ${earlier} was done with`)
  }

  #hasFailed({ sequence }: TaskStatus): boolean {
    return sequence !== undefined && !this.handled.has(sequence) && this.#atWork !== sequence
  }
}

describe("the driver's updates, whatever is lost, repeated or said in between", () => {
  it('are told in order, one at a time, none twice, nothing after the end, and all are acknowledged', () => {
    fc.assert(
      fc.property(steps, all => {
        const play = new Play()
        for (const step of all) play.play(step)
        play.finish()
        expect(play.acknowledged).to.deep.equal(new Set([1, 2, 3, 4]))
        expect(play.told.at(-1)?.state).to.satisfy(isTerminal)
        // What was acknowledged and never told had been overtaken by the end.
        const untold = [1, 2, 3, 4].filter(sequence => !play.told.some(each => each.sequence === sequence))
        if (untold.length > 0) expect(play.told.some(each => isTerminal(each.state))).to.equal(true)
        expect(untold).not.to.include(4)
      }),
      { numRuns: 1_000 },
    )
  })
})
