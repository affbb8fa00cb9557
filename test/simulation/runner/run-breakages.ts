import { availableParallelism } from 'node:os'
import type { Breakage } from '../breakages/breakage.js'
import { breakages } from '../breakages/breakages.js'
import { runSeeds } from './run-seeds.js'

export interface Catch {
  readonly name: string
  /** By which oracle, and at which seed; undefined: not at all. */
  readonly oracle: string | undefined
  readonly seed: number | undefined
  readonly message: string
}

/** Runs seeds with each breakage until one of them fails. */
export async function runBreakages(
  seeds: number,
  onCatch: (found: Catch) => void = () => {},
): Promise<Catch[]> {
  const waiting = [...breakages]
  const caught: Catch[] = []
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const found = await catchOf(next, seeds)
      caught.push(found)
      onCatch(found)
    }
  })
  await Promise.all(workers)
  return breakages
    .map(({ name }) => caught.find(each => each.name === name))
    .filter(each => each !== undefined)
}

async function catchOf({ name, seed }: Breakage, seeds: number): Promise<Catch> {
  const { failed } = await runSeeds({
    from: 1,
    seeds,
    first: [seed],
    stopsAtFailure: true,
    breakage: name,
    workers: 1,
  })
  const [first] = failed
  return { name, oracle: first?.failure.oracle, seed: first?.seed, message: first?.failure.message ?? '' }
}
