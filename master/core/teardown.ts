import type { Reply } from '@tender/sdk/protocol'
import type { RegistryRecord } from '../registry/records.js'
import { endOffersOfFramework } from './disconnect-framework.js'
import { completedRecord, writeFramework } from './framework-record.js'
import { forgetInverseOffersOf } from './inverse-offers.js'
import { killTask } from './kill.js'
import type { CompletedFramework, Framework, MasterState } from './state.js'
import { done, refused, type Turn } from './turn.js'

/** So many ended frameworks are remembered (Mesos: 50). */
const keptCompleted = 1_000

/** Ends a framework for good: so it stands in the registry, offers back, tasks killed. Answered when it is stored. */
export function teardown(turn: Turn, framework: Framework, callId: string | undefined): Reply | undefined {
  removeFramework(turn, framework, 'torn down by itself', (later, error) => {
    const reply =
      error === undefined
        ? done()
        : refused('registry-unavailable', `the registry could not store its end: ${error}`)
    if (callId !== undefined) later.toFramework(framework, 'reply', reply, callId)
  })
  return undefined
}

/** @param then told when the framework is gone, or that the registry could not be written; then nothing has changed */
export function removeFramework(
  turn: Turn,
  framework: Framework,
  reason: string,
  then: (turn: Turn, error: string | undefined) => void = () => {},
): void {
  turn.change([`framework ${framework.frameworkId}`], (start, store) => {
    const completed = asCompleted(framework, start.now, reason)
    store(recordsOfEnd(start.state, completed), (later, error) => {
      if (error === undefined) endFramework(later, framework, completed)
      then(later, error)
    })
  })
}

export function asCompleted(framework: Framework, now: number, reason: string): CompletedFramework {
  const { info, subscribedAtMs, startedAtMs } = framework
  return { info, subscribedAtMs, startedAtMs, completedAtMs: now, reason }
}

/** What is to be stored before a framework has ended: itself, and the oldest ones of many are forgotten. */
export function recordsOfEnd(state: MasterState, completed: CompletedFramework): RegistryRecord[] {
  return [
    writeFramework(completedRecord(completed)),
    ...overdue(state).map((id): RegistryRecord => ({ kind: 'framework', id, value: undefined })),
  ]
}

/** The registry knows that it has ended. Its tasks are killed, also those that come back with their agents later. */
export function endFramework(turn: Turn, framework: Framework, completed: CompletedFramework): void {
  const { state } = turn
  const { frameworkId } = framework
  // Subscribed again while the registry was being written.
  if (state.frameworks.get(frameworkId) !== framework) return
  endOffersOfFramework(turn, frameworkId, 'the framework was removed')
  state.allocator.removeFramework(frameworkId)
  state.frameworks.delete(frameworkId)
  for (const id of overdue(state)) state.completedFrameworks.delete(id)
  state.completedFrameworks.set(frameworkId, completed)
  forgetInverseOffersOf(turn, frameworkId)
  for (const task of state.tasks.ofFramework(frameworkId)) killTask(turn, task)
  turn.log('info', 'framework removed', { frameworkId, reason: completed.reason })
  turn.event({ kind: 'framework-removed', frameworkId })
}

function overdue({ completedFrameworks }: MasterState): string[] {
  const ids = [...completedFrameworks.keys()]
  return ids.slice(0, Math.max(0, ids.length + 1 - keptCompleted))
}
