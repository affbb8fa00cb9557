import type { BatchPlan, Plan } from '../plan/plan.js'
import { type Outcome, simulate } from '../simulation.js'

/** So many runs are made to make a plan smaller. */
const mostRuns = 400
const mostRounds = 4
/** In so long a cluster comes together. */
const settledMs = 10_000

/** A failing plan with as little as possible in it that still breaks the same promise, and what happens in it. */
export function shrink(plan: Plan): Outcome {
  const { failure } = simulate(plan)
  if (!failure) throw new RangeError(`seed ${plan.seed} does not fail`)
  let runs = 0
  let smallest = plan
  const isAsBad = (candidate: Plan): boolean => {
    if (runs++ >= mostRuns) return false
    if (simulate(candidate).failure?.oracle !== failure.oracle) return false
    smallest = candidate
    return true
  }
  // What one kind of reduction leaves may let another one succeed.
  for (let round = 0; round < mostRounds; round++) {
    const before = smallest
    for (const parts of [
      partsOf('faults'),
      partsOf('operator'),
      partsOf('batches'),
      partsOf('apps'),
      jobsOf,
      partsOf('agents'),
      partsOf('masters'),
    ])
      withoutMost(smallest, parts, isAsBad)
    if (smallest === before) break
  }
  for (const shorten of [withoutWaiting, healedSooner, endedSooner]) {
    const candidate = shorten(smallest, simulate(smallest).failure?.atMs ?? Infinity)
    if (candidate.endAtMs < smallest.endAtMs) isAsBad(candidate)
  }
  return simulate(smallest, { isTraced: true })
}

/** A list in a plan, and the plan with a part of the list. */
type Parts = (plan: Plan) => {
  readonly count: number
  readonly keep: (isKept: (index: number) => boolean) => Plan
}

function partsOf(name: 'faults' | 'operator' | 'batches' | 'apps' | 'agents' | 'masters'): Parts {
  return plan => ({
    count: plan[name].length,
    keep: isKept => ({ ...plan, [name]: plan[name].filter((_, index) => isKept(index)) }),
  })
}

const jobsOf: Parts = plan => ({
  count: plan.batches.reduce((sum, { jobs }) => sum + jobs.length, 0),
  keep: isKept => {
    let index = 0
    return {
      ...plan,
      batches: plan.batches.map(batch => ({ ...batch, jobs: batch.jobs.filter(() => isKept(index++)) })),
    }
  },
})

/** Takes away halves, quarters and so on, as long as it is as bad without them. */
function withoutMost(plan: Plan, parts: Parts, isAsBad: (plan: Plan) => boolean): void {
  let left = plan
  for (let size = Math.ceil(parts(left).count / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < parts(left).count; ) {
      const candidate = parts(left).keep(index => index < from || index >= from + size)
      if (isPossible(candidate) && isAsBad(candidate)) left = candidate
      else from += size
    }
  }
}

/** What happens late happens soon after the beginning. */
function withoutWaiting(plan: Plan): Plan {
  const { faults, operator, batches, apps } = plan
  const times = [...faults, ...operator].map(({ atMs }) => atMs)
  const byMs = Math.max(0, Math.min(...times, plan.healAtMs) - settledMs)
  const sooner = <T extends { readonly atMs: number }>(list: readonly T[]): T[] =>
    list.map(each => ({ ...each, atMs: Math.max(0, each.atMs - byMs) }))
  const jobsSooner = (jobs: BatchPlan['jobs']) =>
    jobs.map(job => ({ ...job, fromMs: Math.max(0, job.fromMs - byMs) }))
  return {
    ...plan,
    faults: sooner(faults),
    operator: sooner(operator),
    batches: batches.map(batch => ({ ...batch, jobs: jobsSooner(batch.jobs) })),
    apps: apps.map(app => ({ ...app, changes: sooner(app.changes) })),
    healAtMs: plan.healAtMs - byMs,
    endAtMs: plan.endAtMs - byMs,
  }
}

/** Everything comes right as soon as the last fault is over, and has as long for it as before. */
function healedSooner(plan: Plan): Plan {
  const { faults, operator, batches, apps } = plan
  const ends = [
    ...faults.map(({ atMs, forMs }) => atMs + forMs),
    ...operator.map(({ atMs }) => atMs),
    ...batches.flatMap(({ jobs }) => jobs.map(({ fromMs }) => fromMs)),
    ...apps.flatMap(({ changes }) => changes.map(({ atMs }) => atMs)),
  ]
  const healAtMs = Math.min(plan.healAtMs, Math.max(0, ...ends) + settledMs)
  return { ...plan, healAtMs, endAtMs: plan.endAtMs - plan.healAtMs + healAtMs }
}

/** What breaks in the middle need not be told to the end. */
function endedSooner(plan: Plan, failedAtMs: number): Plan {
  return { ...plan, endAtMs: Math.min(plan.endAtMs, Math.ceil(failedAtMs) + 1) }
}

/** Faults name processes, which have to be there. */
function isPossible({ faults, masters, agents, apps, batches }: Plan): boolean {
  const names = new Set([
    'the leader',
    ...masters,
    ...agents.map(({ agentId }) => agentId),
    ...(apps.length > 0 ? ['service'] : []),
    ...batches.map(({ frameworkId }) => frameworkId),
  ])
  const namesOf = (fault: object): string[] =>
    Object.entries(fault).flatMap(([field, value]) =>
      field === 'process' || field === 'agentId'
        ? [String(value)]
        : field === 'agentIds'
          ? (value as string[])
          : [],
    )
  return (
    masters.length > 0 &&
    agents.length > 0 &&
    faults.every(fault => namesOf(fault).every(name => names.has(name)))
  )
}
