import type { Reply } from '@tender/sdk/protocol'
import { endOffersOfFramework } from './disconnect-framework.js'
import { forgetInverseOffersOf } from './inverse-offers.js'
import { killTask } from './kill.js'
import type { Framework } from './state.js'
import { done, refused, type Turn } from './turn.js'

/** Ends a framework for good: forgotten by the registry, offers back, tasks killed. Answered when it is stored. */
export function teardown(turn: Turn, framework: Framework, callId: string | undefined): Reply | undefined {
  removeFramework(turn, framework, 'torn down by itself', (later, error) => {
    const reply =
      error === undefined
        ? done()
        : refused('registry-unavailable', `the registry could not forget: ${error}`)
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
  const { frameworkId } = framework
  turn.change([`framework ${frameworkId}`], (_, store) =>
    store([{ kind: 'framework', id: frameworkId, value: undefined }], (later, error) => {
      if (error === undefined) forget(later, framework, reason)
      then(later, error)
    }),
  )
}

function forget(turn: Turn, framework: Framework, reason: string): void {
  const { state } = turn
  const { frameworkId } = framework
  // Subscribed again while the registry was being written.
  if (state.frameworks.get(frameworkId) !== framework) return
  endOffersOfFramework(turn, frameworkId, 'the framework was removed')
  state.allocator.removeFramework(frameworkId)
  state.frameworks.delete(frameworkId)
  forgetInverseOffersOf(turn, frameworkId)
  for (const task of state.tasks.values()) if (task.frameworkId === frameworkId) killTask(turn, task)
  turn.log('info', 'framework removed', { frameworkId, reason })
  turn.event({ kind: 'framework-removed', frameworkId })
}
