import { planOf } from '../plan/plan.js'
import { simulate } from '../simulation.js'
import { count, emptyTally } from './tally.js'

/** A part of the seeds; answered by their tally. */
export interface Order {
  readonly seeds: readonly number[]
}

// A process of its own for each core of the machine. What is thrown here is a mistake of the simulator, and ends it.
process.on('message', ({ seeds }: Order) => {
  const tally = emptyTally()
  for (const seed of seeds) count(tally, simulate(planOf(seed)))
  process.send?.(tally)
})
process.once('disconnect', () => process.exit())
