import type { Failure, Outcome } from '../simulation.js'

export interface FailedSeed {
  readonly seed: number
  readonly profile: string
  readonly failure: Failure
}

/** The sum of many runs. Plain data: it travels between processes. */
export interface Tally {
  seeds: number
  virtualMs: number
  steps: number
  messages: number
  readonly faults: Record<string, number>
  readonly checks: Record<string, number>
  readonly failed: FailedSeed[]
}

export function emptyTally(): Tally {
  return { seeds: 0, virtualMs: 0, steps: 0, messages: 0, faults: {}, checks: {}, failed: [] }
}

export function count(
  tally: Tally,
  { plan, failure, virtualMs, steps, messages, faults, checks }: Outcome,
): void {
  const failed = failure ? [{ seed: plan.seed, profile: plan.profile, failure }] : []
  const one = { seeds: 1, virtualMs, steps, messages, failed }
  add(tally, { ...one, faults: Object.fromEntries(faults), checks: Object.fromEntries(checks) })
}

export function add(tally: Tally, more: Tally): void {
  tally.seeds += more.seeds
  tally.virtualMs += more.virtualMs
  tally.steps += more.steps
  tally.messages += more.messages
  addTo(tally.faults, more.faults)
  addTo(tally.checks, more.checks)
  tally.failed.push(...more.failed)
}

function addTo(sums: Record<string, number>, more: Record<string, number>): void {
  for (const [name, amount] of Object.entries(more)) sums[name] = (sums[name] ?? 0) + amount
}
