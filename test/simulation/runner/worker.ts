import { found } from '../found/plans.js'
import { planOf } from '../plan/plan.js'
import { simulate } from '../simulation.js'
import { count, emptyTally } from './tally.js'

/** A part of the seeds; answered by their tally. */
export interface Order {
  readonly seeds: readonly number[]
  /** Also the plans that have found something once. */
  readonly withFound: boolean
  readonly stopsAtFailure: boolean
}

// A process of its own for each core of the machine. What is thrown here is a mistake of the simulator, and ends it.
process.on('message', ({ seeds, withFound, stopsAtFailure }: Order) => {
  const tally = emptyTally()
  const isEnough = () => stopsAtFailure && tally.failed.length > 0
  if (withFound) for (const { plan } of found) if (!isEnough()) count(tally, simulate(plan))
  for (const seed of seeds) if (!isEnough()) count(tally, simulate(planOf(seed)))
  process.send?.(tally)
})
process.once('disconnect', () => process.exit())
