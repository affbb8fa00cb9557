import type { Shape } from '@tender/sdk/protocol'
import { Resources, take } from '@tender/sdk/values'
import type { AgentBook } from './agent-book.js'
import { meetsConstraints } from './constraints.js'
import type { AgentFacts } from './types.js'
import { amountOf, type Vectors } from './vectors.js'

/** One shape that is wanted, and how many of it still are. */
export interface WantedShape {
  readonly shape: Shape
  readonly resources: Resources
  /** Declared, less the tasks launched since. */
  count: number
}

/** What was offered at once of an agent, and how many of each shape it stands for. */
interface Standing {
  readonly resources: Resources
  readonly counts: readonly number[]
}

type Offers = Iterable<readonly [AgentBook, Resources]>

/** So many offers of one agent are told apart when some of them have ended; beyond that they are counted by content. */
const mostToldApart = 10

/**
 * What a framework has declared to want in one role. What is wanted still is what was declared, less the tasks launched
 * since and what stands in outstanding offers: each counts for the shapes that it was made for, and one that was made
 * before the declaration for those that it holds.
 */
export class Demand {
  readonly shapes: readonly WantedShape[]
  readonly #claimant: number
  readonly #vectors: Vectors
  /** Every offer of this claimant is here: those of before the declaration, and those made since. */
  readonly #standing = new Map<AgentBook, readonly Standing[]>()
  /** What is wanted beyond the outstanding offers, by shape; undefined: to be counted anew. */
  #open: number[] | undefined

  /** @param offers outstanding, of agents ascending by id */
  constructor(shapes: readonly Shape[], offers: Offers, claimant: number, vectors: Vectors) {
    this.#claimant = claimant
    this.#vectors = vectors
    this.shapes = shapes.map(shape => ({
      shape,
      resources: Resources.fromWire(shape.resources),
      count: shape.count,
    }))
    const open = this.shapes.map(each => each.count)
    for (const [agent, offered] of offers) {
      const { counts } = this.pack(agent.facts, offered, open)
      this.#standing.set(agent, [{ resources: offered, counts }])
      subtract(open, counts)
    }
  }

  /** The offers of it have changed. */
  recount(): void {
    this.#open = undefined
  }

  /** A task is launched: one less is wanted of the first shape that it equals. */
  launched(resources: Resources): void {
    this.recount()
    const wanted = this.shapes.find(
      each => each.count > 0 && take(resources, each.resources)?.equals(resources),
    )
    if (wanted) wanted.count -= 1
  }

  /** How many of each shape are wanted beyond what stands in outstanding offers. */
  open(): readonly number[] {
    if (this.#open) return this.#open
    const open = this.shapes.map(each => each.count)
    for (const [agent, standing] of this.#standing) {
      const { offered } = agent.holding(this.#claimant)
      const still = this.#stillStanding(agent, offered, standing)
      if (still.length === 0) this.#standing.delete(agent)
      else this.#standing.set(agent, still)
      for (const { counts } of still) subtract(open, counts)
    }
    this.#open = open
    return open
  }

  /** An offer was made for so many of each. */
  offered(agent: AgentBook, resources: Resources, counts: readonly number[]): void {
    this.#standing.set(agent, [...(this.#standing.get(agent) ?? []), { resources, counts }])
    if (this.#open) subtract(this.#open, counts)
  }

  /**
   * As many whole shapes as fit and are wanted, in the order given.
   * @returns what they take together, and how many of each
   */
  pack(
    agent: AgentFacts,
    available: Resources,
    open: readonly number[],
  ): { readonly resources: Resources; readonly counts: readonly number[] } {
    let left = available
    let taken = Resources.none
    const counts = this.shapes.map(() => 0)
    for (const [index, each] of this.shapes.entries()) {
      const wanted = this.#wanted(index, open, counts)
      if (wanted <= 0 || !this.#mayFit(each, left)) continue
      if (!meetsConstraints(agent, each.shape.constraints)) continue
      for (let count = 1; count <= wanted; count++) {
        const part = take(left, each.resources)
        if (!part || part.isEmpty) break
        left = left.minus(part)
        taken = taken.plus(part)
        counts[index] = count
      }
    }
    return { resources: taken, counts }
  }

  /** By the sums alone: cheap, and right in most of what does not fit. */
  #mayFit({ resources }: WantedShape, available: Resources): boolean {
    const has = this.#vectors.of(available)
    const needs = this.#vectors.of(resources)
    return has.hasShared || needs.all.every((amount, id) => amountOf(has.all, id) >= amount)
  }

  /**
   * So many more of one shape. Of equal shapes a task counts for the first, though the offer may have been made for
   * another: what is too much of one is not wanted of the others.
   */
  #wanted(index: number, open: readonly number[], counts: readonly number[]): number {
    const wanted = open[index] ?? 0
    const mine = this.shapes[index]?.resources
    let together = 0
    for (const [other, { resources }] of this.shapes.entries()) {
      if (mine && (other === index || resources.equals(mine)))
        together += (open[other] ?? 0) - (counts[other] ?? 0)
    }
    return Math.min(wanted, together)
  }

  /** Whether nothing more is wanted. */
  isMet(open: readonly number[]): boolean {
    const none = this.shapes.map(() => 0)
    return this.shapes.every((_, index) => this.#wanted(index, open, none) <= 0)
  }

  /** Those of an agent's offers that together are what is still offered there. */
  #stillStanding(agent: AgentBook, offered: Resources, standing: readonly Standing[]): readonly Standing[] {
    if (offered.isEmpty) return []
    const still = standing.length <= mostToldApart ? subsetOf(standing, offered) : undefined
    return still ?? [this.#byContent(agent, offered)]
  }

  /** Each offer by itself: whatever others hold, it stands for all of the shapes that it could be used for. */
  #byContent(agent: AgentBook, offered: Resources): Standing {
    const declared = this.shapes.map(({ count }) => count)
    return { resources: offered, counts: this.pack(agent.facts, offered, declared).counts }
  }
}

/** Some of these whose resources add up to just this; undefined: none do. */
function subsetOf(standing: readonly Standing[], sum: Resources): readonly Standing[] | undefined {
  if (sum.isEmpty) return []
  const [first, ...rest] = standing
  if (!first) return undefined
  if (sum.contains(first.resources)) {
    const others = subsetOf(rest, sum.minus(first.resources))
    if (others) return [first, ...others]
  }
  return subsetOf(rest, sum)
}

function subtract(from: number[], counts: readonly number[]): void {
  for (const [index, count] of counts.entries()) from[index] = (from[index] ?? 0) - count
}
