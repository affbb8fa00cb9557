import { kindOf, Resources, sizeOf } from '@tender/sdk/values'
import type { Task } from './state.js'

/**
 * A port that an agent says two of its tasks hold counts for one of them: the books could not give it back twice, and no
 * peer's mistake may stop a master.
 *
 * @param all of an agent
 * @param fresh those among them that are not in the books yet
 */
export function countOnce(all: readonly Task[], fresh: readonly Task[]): void {
  if (fresh.length === 0 || (all.length === fresh.length && !holdTwice(fresh))) return
  const isFresh = new Set(fresh)
  let held = Resources.sum(all.filter(task => !isFresh.has(task)).map(task => singleOnes(task.resources)))
  for (const task of fresh) {
    const own = singleOnes(task.resources)
    const doubled = own.except(own.except(held))
    if (!doubled.isEmpty) task.resources = task.resources.except(doubled)
    held = held.plus(own)
  }
}

function holdTwice(tasks: readonly Task[]): boolean {
  const together = new Map<string, number>()
  for (const { resources } of tasks) {
    for (const [key, value] of resources.entries())
      if (value.kind === 'ranges' || value.kind === 'set')
        together.set(key, (together.get(key) ?? 0) + sizeOf(value))
  }
  const sum = Resources.sum(tasks.map(({ resources }) => resources))
  for (const [key, size] of together) {
    const value = sum.get(key)
    if (value && sizeOf(value) !== size) return true
  }
  return false
}

/** What there is only one of each, such as ports; shared volumes may be held by many. */
export function singleOnes(resources: Resources): Resources {
  const isSingle = ([key, { kind }]: [string, { kind: string }]) =>
    (kind === 'ranges' || kind === 'set') && !kindOf(key).isShared
  return Resources.of([...resources.entries()].filter(isSingle))
}
