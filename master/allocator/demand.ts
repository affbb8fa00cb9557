import type { Shape } from '@tender/sdk/protocol'
import { type Quantities, Resources, take } from '@tender/sdk/values'
import type { AgentBook } from './agent-book.js'
import { meetsConstraints } from './constraints.js'
import type { AgentFacts } from './types.js'

/** One shape that is wanted, and how many of it still are. */
export interface WantedShape {
  readonly shape: Shape
  readonly resources: Resources
  readonly quantities: Quantities
  /** Declared, less the tasks launched since. */
  count: number
}

/**
 * What a framework has declared to want in one role. What stands in its outstanding offers is counted by content, so
 * that an offer made before the declaration counts as well.
 */
export class Demand {
  readonly shapes: readonly WantedShape[]
  /** What is wanted beyond the outstanding offers, by shape; undefined: to be counted anew. */
  #open: number[] | undefined

  constructor(shapes: readonly Shape[]) {
    this.shapes = shapes.map(shape => {
      const resources = Resources.fromWire(shape.resources)
      return { shape, resources, quantities: resources.quantities(), count: shape.count }
    })
  }

  /** The offers of it have changed. */
  recount(): void {
    this.#open = undefined
  }

  /** A task is launched: one less is wanted of the first shape that it equals. */
  launched(resources: Resources): void {
    const has = resources.quantities()
    const wanted = this.shapes.find(each => each.count > 0 && areEqual(each.quantities, has))
    if (wanted) wanted.count -= 1
    this.recount()
  }

  /** How many of each shape are wanted beyond what stands in the offers of these agents, ascending by id. */
  open(offers: () => Iterable<readonly [AgentBook, Resources]>): readonly number[] {
    if (this.#open) return this.#open
    const open = this.shapes.map(each => each.count)
    for (const [agent, offered] of offers()) {
      const { counts } = this.pack(agent.facts, offered, open)
      for (const [index, count] of counts.entries()) open[index] = (open[index] ?? 0) - count
    }
    this.#open = open
    return open
  }

  /** An offer of so many of each was made. */
  offered(counts: readonly number[]): void {
    if (this.#open) this.#open = this.#open.map((open, index) => open - (counts[index] ?? 0))
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
    const counts = this.shapes.map((each, index) => {
      const wanted = open[index] ?? 0
      if (wanted <= 0 || !meetsConstraints(agent, each.shape.constraints)) return 0
      let count = 0
      for (; count < wanted; count++) {
        const part = take(left, each.resources)
        if (!part || part.isEmpty) break
        left = left.minus(part)
        taken = taken.plus(part)
      }
      return count
    })
    return { resources: taken, counts }
  }
}

function areEqual(a: Quantities, b: Quantities): boolean {
  return a.size === b.size && [...a].every(([name, amount]) => b.get(name) === amount)
}
