import { type AppState, isOutdated } from './app-state.js'
import { inKillOrder } from './kill-order.js'
import type { InstanceRecord } from './records.js'
import { planReplacement } from './rolling.js'

/** What is to be done to have the right instances. */
export interface Plan {
  /** How many new ones to launch. */
  readonly start: number
  readonly stop: readonly InstanceRecord[]
}

/**
 * Compares what is wanted with what there is. Every instance that is to run counts, whatever its state: one that is
 * still starting is not started again, and one that is UNREACHABLE is waited for, because it may well be running.
 */
export function plan(state: AppState): Plan {
  const toRun = [...state.instances.values()].filter(instance => instance.goal === 'run')
  const outdated = toRun.filter(instance => isOutdated(instance, state.record))
  if (outdated.length > 0 && state.wanted > 0) {
    const current = toRun.filter(instance => !isOutdated(instance, state.record))
    return planReplacement({ wanted: state.wanted, current, outdated, isTight: state.isTight })
  }
  return {
    start: Math.max(0, state.wanted - toRun.length),
    stop: inKillOrder(toRun).slice(0, Math.max(0, toRun.length - state.wanted)),
  }
}
