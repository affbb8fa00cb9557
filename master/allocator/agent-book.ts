import { Resources } from '@tender/sdk/values'
import type { Filters } from './filters.js'
import type { AgentCondition, AgentFacts, Holding } from './types.js'
import { type Amounts, addTo, type Vector, type Vectors } from './vectors.js'

export type Column = 'offered' | 'allocated'

/** What a claimant holds of the agent. */
interface Holder {
  readonly claimant: number
  offered: Resources
  allocated: Resources
}

const nothing: Holding = { offered: Resources.none, allocated: Resources.none }

/** A broken promise: a bug, after which nothing may go on. */
export class BooksError extends RangeError {
  override readonly name = 'BooksError'
}

/**
 * Who holds what of one agent, exactly. At all times free + offered + allocated = total, resource by resource and port
 * by port; it is kept as resources and, beside that, as plain sums by name, and each is checked against the other. Two
 * exceptions, by name: a shared volume is free for others while somebody holds it, and an agent that has come back with
 * less than its tasks hold has nothing of that free until enough of them have ended.
 */
export class AgentBook {
  readonly index: number
  facts: AgentFacts
  condition: AgentCondition = 'active'
  isWhitelisted = true
  /** Few, so that a list is quicker than a table. */
  readonly holders: Holder[] = []
  readonly filters: Filters
  /** When shared volumes were offered last, and which. */
  sharedOffered = { call: -1, resources: Resources.none }
  /** The last cycle and the last tick that looked at it. */
  lastCycle = -1
  readonly #vectors: Vectors
  #free: Resources
  #freeVector: Vector
  /** Of the total, without shared volumes. */
  #totalVector: Vector
  #shared: Resources
  /** In thousandths, also of volumes that are gone while somebody holds them. */
  readonly #sharedSizes = new Map<string, number>()
  readonly #heldSums: Amounts = []
  /** More is held than there is. */
  #isOverdrawn = false

  constructor(index: number, facts: AgentFacts, filters: Filters, vectors: Vectors) {
    this.index = index
    this.facts = facts
    this.filters = filters
    this.#vectors = vectors
    this.#shared = this.#noteShared(facts.total)
    this.#free = this.#exclusive(facts.total)
    this.#freeVector = vectors.of(this.#free)
    this.#totalVector = this.#freeVector
  }

  get agentId(): string {
    return this.facts.agentId
  }

  get total(): Resources {
    return this.facts.total
  }

  get isOfferable(): boolean {
    return this.condition === 'active' && this.isWhitelisted
  }

  /** What is free, without shared volumes. */
  get free(): Resources {
    return this.#free
  }

  get freeVector(): Vector {
    return this.#freeVector
  }

  /** Volumes that anybody may have, whoever holds them. */
  get shared(): Resources {
    return this.#shared
  }

  get hasNothing(): boolean {
    // There is one empty amount only.
    return this.#free === Resources.none && this.#shared === Resources.none
  }

  setTotal(facts: AgentFacts): void {
    this.facts = facts
    this.#shared = this.#noteShared(facts.total)
    this.#settle()
  }

  holding(claimant: number): Holding {
    return this.#holder(claimant) ?? nothing
  }

  isHeldBy(claimant: number): boolean {
    return this.#holder(claimant) !== undefined
  }

  /** From free to a column. @throws BooksError when it is offered and not free; tasks that run are taken as they are */
  charge(claimant: number, resources: Resources, column: Column): void {
    const exclusive = this.#exclusive(resources)
    if (this.#free.contains(exclusive)) this.#setFree(this.#free.minus(exclusive))
    else if (column === 'offered')
      throw new BooksError(
        `${String(resources)} of agent ${this.agentId} is not free: ${String(this.#free)} is`,
      )
    else this.#isOverdrawn = true
    this.#change(claimant, resources, column, 1)
    if (this.#isOverdrawn) this.#settle()
    this.#check()
  }

  /** From a column back to free. @throws BooksError when the claimant does not hold it */
  release(claimant: number, resources: Resources, column: Column): void {
    this.#change(claimant, resources, column, -1)
    if (this.#isOverdrawn) this.#settle()
    else this.#setFree(this.#free.plus(this.#exclusive(resources)))
    this.#check()
  }

  /** From offered to allocated. */
  use(claimant: number, resources: Resources): void {
    this.#change(claimant, resources, 'offered', -1)
    this.#change(claimant, resources, 'allocated', 1)
    this.#check()
  }

  /** Reservations or volumes change in what is free. */
  convertFree(from: Resources, to: Resources): void {
    if (!this.#free.plus(this.#shared).contains(from))
      throw new BooksError(`${String(from)} of agent ${this.agentId} is not free: ${String(this.#free)} is`)
    this.#convertTotal(from, to)
    this.#settle()
  }

  /** The same in what somebody holds as offered. */
  convertOffered(claimant: number, from: Resources, to: Resources): void {
    this.#change(claimant, from, 'offered', -1)
    this.#convertTotal(from, to)
    this.#change(claimant, to, 'offered', 1)
    this.#settle()
  }

  /** All that is held in a column, shared volumes once. */
  heldInAll(column: Column): Resources {
    let sum = Resources.none
    for (const holding of this.holders) sum = sum.plus(holding[column])
    return this.once(sum)
  }

  /** Shared volumes as often as there are: once. */
  once(held: Resources): Resources {
    if (!this.#vectors.of(held).hasShared) return held
    const volumes = sharedOf(held)
      .keys()
      .map(key => [key, { kind: 'scalar' as const, thousandths: this.sizeOfShared(key) }] as const)
    return this.#exclusive(held).plus(Resources.of(volumes))
  }

  sizeOfShared(key: string): number {
    return this.#sharedSizes.get(key) ?? 0
  }

  #noteShared(total: Resources): Resources {
    const shared = sharedOf(total)
    for (const [key, value] of shared.entries())
      if (value.kind === 'scalar') this.#sharedSizes.set(key, value.thousandths)
    return shared
  }

  #setFree(free: Resources): void {
    this.#free = free
    this.#freeVector = this.#vectors.of(free)
  }

  #exclusive(resources: Resources): Resources {
    return this.#vectors.of(resources).hasShared ? resources.only(kind => !kind.isShared) : resources
  }

  #convertTotal(from: Resources, to: Resources): void {
    this.facts = { ...this.facts, total: this.facts.total.minus(from).plus(to) }
    this.#shared = this.#noteShared(this.facts.total)
  }

  #change(claimant: number, resources: Resources, column: Column, sign: 1 | -1): void {
    let holder = this.#holder(claimant)
    if (!holder) {
      holder = { claimant, offered: Resources.none, allocated: Resources.none }
      this.holders.push(holder)
    }
    holder[column] = this.#changed(holder[column], resources, sign)
    if (holder.offered.isEmpty && holder.allocated.isEmpty)
      this.holders.splice(this.holders.indexOf(holder), 1)
    addTo(this.#heldSums, this.#vectors.of(resources).all, sign)
  }

  #holder(claimant: number): Holder | undefined {
    for (let index = 0; index < this.holders.length; index++) {
      const holder = this.holders[index]
      if (holder?.claimant === claimant) return holder
    }
    return undefined
  }

  #changed(held: Resources, resources: Resources, sign: 1 | -1): Resources {
    if (sign > 0) return held.plus(resources)
    if (held.contains(resources)) return held.minus(resources)
    // Two tasks were said to hold the same: it went with the first of them.
    if (this.#isOverdrawn) return held.except(resources)
    throw new BooksError(`${String(resources)} of agent ${this.agentId} is not held: ${String(held)} is`)
  }

  /** What is free, from the beginning: after the total has changed, and while more is held than there is. */
  #settle(): void {
    let held = Resources.none
    for (const { offered, allocated } of this.holders) held = held.plus(offered).plus(allocated)
    const exclusive = this.#exclusive(held)
    const total = this.#exclusive(this.total)
    this.#totalVector = this.#vectors.of(total)
    this.#setFree(total.except(exclusive))
    this.#isOverdrawn = !total.contains(exclusive) || this.#isHeldTwice(held)
    this.#check()
  }

  /** A port that is held by two, as only an agent that says so can make it, counts as more than there is. */
  #isHeldTwice(held: Resources): boolean {
    const { all: together } = this.#vectors.of(held)
    return this.#heldSums.some((sum, id) => sum > (together[id] ?? 0))
  }

  /** The sums by name, which are kept apart, must agree: nothing is promised twice, and nothing is lost. */
  #check(): void {
    if (this.#isOverdrawn) return
    const { all: total } = this.#totalVector
    const { all: free } = this.#freeVector
    for (let id = 0; id < total.length; id++) {
      const [all, left, held] = [total[id] ?? 0, free[id] ?? 0, this.#heldSums[id] ?? 0]
      if (left + held !== all) {
        const name = this.#vectors.names.name(id)
        throw new BooksError(
          `agent ${this.agentId}: free ${left} and held ${held} of ${name} must be its total, ${all} thousandths`,
        )
      }
    }
  }
}

export function sharedOf(resources: Resources): Resources {
  return resources.only(kind => kind.isShared)
}
