import type { Resources, Thousandths } from '@tender/sdk/values'

/**
 * Dominant share: the largest part that a client holds of any scalar of the cluster (Ghodsi et al., Dominant Resource
 * Fairness, NSDI 2011). Equal fractions of whole numbers give equal doubles, so ties are exact.
 */
export function dominantShare(
  held: Resources,
  clusterTotal: Resources,
  excluded: ReadonlySet<string>,
): number {
  let share = 0
  for (const [name, value] of held.entries()) {
    if (value.kind !== 'scalar' || excluded.has(name)) continue
    const total: Thousandths = clusterTotal.thousandths(name)
    if (total > 0) share = Math.max(share, value.thousandths / total)
  }
  return share
}

/** What decides who is served first. */
export interface Claimant {
  readonly name: string
  /** Divided by the weight already. */
  readonly share: number
  /** Offers made so far; kept through suppression. */
  readonly offersMade: number
}

/** Smaller share first, then fewer offers made so far, then the name byte by byte (Mesos' DRF sorter). */
export function byDominantShare(a: Claimant, b: Claimant): number {
  return a.share - b.share || a.offersMade - b.offersMade || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}
