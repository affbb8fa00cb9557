import { Customer } from './customer.js'
import { Injection } from './faults/injection.js'
import { oraclesFor } from './oracles/index.js'
import { unrest } from './oracles/rest.js'
import { Operator } from './operator.js'
import type { Plan } from './plan/plan.js'
import type { FaultKind } from './plan/fault.js'
import { PromiseBroken } from './world/promise-broken.js'
import { World } from './world/world.js'

export interface Failure {
  readonly oracle: string
  readonly message: string
  readonly atMs: number
}

/** What came of a run. */
export interface Outcome {
  readonly plan: Plan
  readonly failure: Failure | undefined
  readonly virtualMs: number
  readonly steps: number
  readonly messages: number
  readonly faults: ReadonlyMap<FaultKind | 'message lost' | 'message doubled', number>
  readonly checks: ReadonlyMap<string, number>
  readonly lines: readonly string[]
}

/** Runs a plan to its end, or until a promise is broken. */
export function simulate(plan: Plan, options: { readonly isTraced?: boolean } = {}): Outcome {
  const world = new World(plan, options)
  const oracles = oraclesFor(world)
  world.watch(fact => {
    for (const oracle of oracles) oracle.see(fact)
  })
  const injection = new Injection(world)
  let failure: Failure | undefined
  try {
    for (const process of world.processes.values()) world.timeline.after(0, () => process.start())
    new Customer(world).begin()
    new Operator(world).begin()
    world.timeline.runUntil(plan.endAtMs)
    const left = [...unrest(world), ...oracles.flatMap(oracle => oracle.remains())]
    if (left.length > 0) throw new PromiseBroken('comes to rest', left.join('; '))
  } catch (error) {
    if (!(error instanceof PromiseBroken)) throw error
    failure = { oracle: error.oracle, message: error.message, atMs: world.timeline.now }
    world.trace('oracle', `${error.oracle}: ${error.message}`)
  }
  const { sent, lost, doubled } = world.network.figures
  return {
    plan,
    failure,
    virtualMs: world.timeline.now,
    steps: world.timeline.steps,
    messages: sent,
    faults: new Map([...injection.injected, ['message lost', lost], ['message doubled', doubled]]),
    checks: new Map([...oracles.map(({ name, checks }) => [name, checks] as const), ['comes to rest', 1]]),
    lines: world.lines ?? [],
  }
}
