import { describeError } from '@tender/sdk/runtime'
import { judgeMetric, judgeOrder, judgeReason, judgeResources, judgeShares } from './expectations/figures.js'
import { judgeInverseOffers } from './expectations/inverse-offers.js'
import { judgeOffers } from './expectations/offers.js'
import { shown, type Verdict } from './expectations/verdict.js'
import { type Expectation, isExpectation, perform } from './perform.js'
import type { Scenario, ScenarioSettings } from './scenario-file.js'
import type { Step } from './steps.js'
import { type InverseOfferEvent, type OfferEvent, StepRefused, type World, type WorldEvent } from './world.js'

/** What happened in a step: in the cluster, or that the cluster refused it, or what an expectation came to. */
export type Happening = { readonly step: number } & (
  | WorldEvent
  | { readonly kind: 'error'; readonly atMs: number; readonly code: string; readonly message: string }
  | { readonly kind: 'expect'; readonly atMs: number; readonly verdict: Verdict }
)

/** Why a scenario ended early. */
export interface Failure {
  /** Undefined: before the first step. */
  readonly step: { readonly number: number; readonly kind: Step['kind']; readonly line: number } | undefined
  readonly atMs: number
  /** What was expected and what came, or what went wrong. */
  readonly reason: Verdict | string
}

export interface Outcome {
  readonly scenario: Scenario
  /** Undefined: all steps were done, all expectations met. */
  readonly failure: Failure | undefined
}

/** Performs a scenario's steps in order, up to the first that fails. */
export function runScenario(
  scenario: Scenario,
  makeWorld: (settings: ScenarioSettings) => World,
  tell: (happening: Happening) => void = () => {},
): Outcome {
  let world: World
  try {
    world = makeWorld(scenario.settings)
  } catch (error) {
    const reason = `settings: ${describeError(error)}`
    tell({ kind: 'error', step: 0, atMs: 0, code: 'bug', message: reason })
    return { scenario, failure: { step: undefined, atMs: 0, reason } }
  }
  const run = new Run(world, tell)
  for (const [index, step] of scenario.steps.entries()) {
    const reason = run.step(step, scenario.steps[index + 1])
    if (reason === undefined) continue
    const { kind, line } = step
    return {
      scenario,
      failure: { step: { number: index + 1, kind, line }, atMs: world.nowMs, reason },
    }
  }
  return { scenario, failure: undefined }
}

class Run {
  readonly #world: World
  readonly #tell: (happening: Happening) => void
  #number = 0
  /** Since the last `expect` or `forget`, also those that are gone by now. */
  #offers: OfferEvent[] = []
  /** Since the last `expectInverse` or `forget`. */
  #inverseOffers: InverseOfferEvent[] = []
  /** Of the step before. */
  #refusal: StepRefused | undefined

  constructor(world: World, tell: (happening: Happening) => void) {
    this.#world = world
    this.#tell = tell
  }

  /** @returns why the scenario cannot go on, if so */
  step(step: Step, next: Step | undefined): Verdict | string | undefined {
    this.#number++
    let verdict: Verdict | undefined
    let error: unknown
    try {
      verdict = this.#perform(step)
    } catch (thrown) {
      error = thrown
    }
    this.#takeEvents()
    this.#refusal = error instanceof StepRefused ? error : undefined
    if (error !== undefined) return this.#refused(error, next)
    if (!verdict) return undefined
    this.#tell({ kind: 'expect', step: this.#number, atMs: this.#world.nowMs, verdict })
    return verdict.isMet ? undefined : verdict
  }

  /** Whatever is no refusal is a mistake of this program: its stack says where. */
  #refused(error: unknown, next: Step | undefined): string | undefined {
    const at = { step: this.#number, atMs: this.#world.nowMs }
    const message = describeError(error)
    if (!(error instanceof StepRefused)) {
      this.#tell({ kind: 'error', ...at, code: 'bug', message })
      return error instanceof Error ? (error.stack ?? message) : message
    }
    this.#tell({ kind: 'error', ...at, code: error.code, message })
    return next?.kind === 'expectError' ? undefined : `refused (${error.code}): ${message}`
  }

  #takeEvents(): void {
    for (const event of this.#world.takeEvents()) {
      this.#tell({ step: this.#number, ...event })
      if (event.kind === 'offer') this.#offers.push(event)
      if (event.kind === 'inverseOffer') this.#inverseOffers.push(event)
    }
  }

  #perform(step: Step): Verdict | undefined {
    if (isExpectation(step)) return this.#judge(step)
    if (step.kind === 'forget') {
      this.#offers = []
      this.#inverseOffers = []
      return undefined
    }
    perform(this.#world, step)
    return undefined
  }

  #judge(step: Expectation): Verdict {
    const world = this.#world
    switch (step.kind) {
      case 'expect':
        return judgeOffers(step.value, take(this.#offers), step.written)
      case 'expectInverse':
        return judgeInverseOffers(step.value, take(this.#inverseOffers), step.written)
      case 'expectOrder':
        return judgeOrder(world, step.value)
      case 'expectShares':
        return judgeShares(world, step.value)
      case 'expectMetric':
        return judgeMetric(world, step.value)
      case 'expectExplain':
        return judgeReason(world, step.value)
      case 'expectFree':
        return judgeResources(step.value.resources, world.free(step.value.agent))
      case 'expectOffered':
        return judgeResources(step.value.resources, world.offered(step.value))
      case 'expectAllocated':
        return judgeResources(step.value.resources, world.allocated(step.value))
      case 'expectError':
        return judgeRefusal(step.value, this.#refusal)
    }
  }
}

function judgeRefusal(code: string, refusal: StepRefused | undefined): Verdict {
  return {
    isMet: refusal !== undefined && (code === 'any' || code === refusal.code),
    expected: shown(code, code === 'any' ? 'a refusal' : code),
    got: refusal
      ? shown(refusal.code, `${refusal.code}: ${refusal.message}`)
      : shown('nothing', 'the step was not refused'),
  }
}

function take<T>(list: T[]): T[] {
  return list.splice(0)
}
