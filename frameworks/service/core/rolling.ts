import { isRunning } from './app-state.js'
import { inKillOrder } from './kill-order.js'
import type { Plan } from './plan.js'
import type { InstanceRecord } from './records.js'

interface Replacement {
  readonly wanted: number
  readonly current: readonly InstanceRecord[]
  readonly outdated: readonly InstanceRecord[]
  readonly isTight: boolean
}

/** A new instance that has found no place for so long makes room for itself: see `AppState.isTight`. */
export const tightAfterMs = 10_000

/**
 * A change of configuration, first form: one new instance at a time is started beyond those wanted, and one old
 * instance ends for each new one that runs, so that never fewer than wanted run. Where the cluster has no room for one
 * more, an old one ends first, and one fewer runs meanwhile. A version that never runs leaves the old one in place.
 */
export function planReplacement({ wanted, current, outdated, isTight }: Replacement): Plan {
  const running = [...current, ...outdated].filter(isRunning).length
  const mustRun = isTight ? wanted - 1 : wanted
  const most = isTight ? wanted : wanted + 1

  // Old ones that do not run are of no use to anybody; of those that run, what is not needed may go.
  const idle = outdated.filter(instance => !isRunning(instance))
  const spare = inKillOrder(outdated.filter(isRunning)).slice(0, Math.max(0, running - mustRun))
  const kept = outdated.length - idle.length - spare.length
  const allowed = Math.max(0, Math.min(wanted, most - kept))
  return {
    start: Math.max(0, allowed - current.length),
    stop: [...idle, ...spare, ...inKillOrder(current).slice(0, Math.max(0, current.length - allowed))],
  }
}
