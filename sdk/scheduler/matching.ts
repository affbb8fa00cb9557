import { difference, take as numbersOf } from '../values/ranges.js'
import { Resources } from '../values/resources.js'
import { take } from '../values/take.js'
import type { Offer } from './calls.js'

/** What a task needs: amounts, and how many ports of the agent's choice. */
export interface Need {
  /**
   * Under plain names (`cpus`), or of a certain kind (`cpus(web)`, `disk{mount}`, `cpus{revocable}`). A number under a
   * name that is ranges in the offer, such as `ports:2`, is so many of the lowest.
   */
  readonly resources: Resources
  /** Ports to be taken from those offered; 0 unless told. */
  readonly ports?: number
}

/** Where one need found its place. */
export interface Placement<T extends Need> {
  readonly need: T
  /** The resources to launch with, the chosen ports included. */
  readonly resources: Resources
  /** The chosen ports, ascending. */
  readonly ports: readonly number[]
}

/** Whether an offer, or any amount of resources, holds a need. */
export function fits(available: Resources, need: Need): boolean {
  return choose(available, need) !== undefined
}

/**
 * Takes a need out of what is available, with the lowest ports that are free. What is needed under a plain name comes
 * from what is reserved for the framework, the deepest role first, and then from what is not reserved: never from
 * volumes, mounts or revocable resources, which a need has to name.
 * Undefined when it does not fit.
 */
export function choose<T extends Need>(available: Resources, need: T): Placement<T> | undefined {
  const certain = take(available, need.resources)
  if (!certain) return undefined
  const wanted = need.ports ?? 0
  const chosen = wanted > 0 ? take(available.minus(certain), portsOf(wanted)) : Resources.none
  if (!chosen) return undefined
  const resources = certain.plus(chosen)
  const ports = numbersOf(difference(resources.ranges('ports'), need.resources.ranges('ports')), Infinity)
  return { need, resources, ports }
}

function portsOf(count: number): Resources {
  return Resources.fromWire({ ports: count })
}

/**
 * First fit: each need in the order given goes to the first offer that still holds it.
 *
 * @returns one entry for each offer, also for those that nothing was placed on, and the needs that found no place
 */
export function pack<T extends Need>(
  offers: readonly Offer[],
  needs: readonly T[],
): { placed: { offer: Offer; placements: Placement<T>[] }[]; unplaced: T[] } {
  const bins = offers.map(offer => ({ offer, left: offer.resources, placements: [] as Placement<T>[] }))
  const unplaced: T[] = []
  for (const need of needs) {
    const home = bins.find(bin => {
      const placement = choose(bin.left, need)
      if (!placement) return false
      // Several tasks may use one shared volume.
      bin.left = bin.left.minus(placement.resources.only(kind => !kind.isShared))
      bin.placements.push(placement)
      return true
    })
    if (!home) unplaced.push(need)
  }
  return { placed: bins.map(({ offer, placements }) => ({ offer, placements })), unplaced }
}
