import { normalize, take } from '../values/ranges.js'
import { Resources } from '../values/resources.js'
import type { Offer } from './connect.js'

/** What a task needs: amounts, and how many ports of the agent's choice. */
export interface Need {
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
 * Takes a need out of what is available, with the lowest ports that are free.
 * Undefined when it does not fit.
 */
export function choose<T extends Need>(available: Resources, need: T): Placement<T> | undefined {
  if (!available.contains(need.resources)) return undefined
  const wanted = need.ports ?? 0
  if (wanted === 0) return { need, resources: need.resources, ports: [] }
  const ports = take(available.minus(need.resources).ranges('ports'), wanted)
  if (ports.length < wanted) return undefined
  const ranges = normalize(ports.map(port => [port, port] as const))
  return {
    need,
    resources: need.resources.plus(Resources.of([['ports', { kind: 'ranges', ranges }]])),
    ports,
  }
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
      bin.left = bin.left.minus(placement.resources)
      bin.placements.push(placement)
      return true
    })
    if (!home) unplaced.push(need)
  }
  return { placed: bins.map(({ offer, placements }) => ({ offer, placements })), unplaced }
}
