import { isRunning } from './app-state.js'
import type { InstanceRecord } from './records.js'

/** Whoever is missed least first: what does not run, then the youngest. */
export function inKillOrder(instances: readonly InstanceRecord[]): InstanceRecord[] {
  return instances.toSorted(
    (a, b) =>
      Number(isRunning(a)) - Number(isRunning(b)) ||
      b.stagedAtMs - a.stagedAtMs ||
      (a.taskId < b.taskId ? 1 : -1),
  )
}
