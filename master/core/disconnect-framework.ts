import type { FrameworkId } from '@tender/sdk/protocol'
import { frameworkRecord, writeFramework } from './framework-record.js'
import { forgetInverseOffersOf } from './inverse-offers.js'
import { endOffer } from './offers.js'
import type { Framework } from './state.js'
import type { Turn } from './turn.js'
import { viewFramework } from './views.js'

/** The framework is not there: its offers come back and its filters end; its tasks run on. */
export function disconnectFramework(turn: Turn, framework: Framework, reason: string): void {
  const { frameworkId } = framework
  framework.state = 'disconnected'
  framework.disconnectedAtMs = turn.now
  framework.link = undefined
  turn.state.allocator.deactivateFramework(frameworkId)
  endOffersOfFramework(turn, frameworkId, 'the framework disconnected')
  forgetInverseOffersOf(turn, frameworkId)
  turn.log('info', 'framework disconnected', { frameworkId, reason })
  turn.event({ kind: 'framework', framework: viewFramework(turn.state, framework) })
  recordAbsence(turn, framework)
}

/** So that its failover timeout does not begin anew with each leader. Nothing depends on it, so nothing waits for it. */
function recordAbsence(turn: Turn, framework: Framework): void {
  const { frameworkId } = framework
  turn.change([`framework ${frameworkId}`], (start, store) => {
    const isAway = framework.state === 'disconnected' && framework.disconnectedAtMs !== undefined
    if (start.state.frameworks.get(frameworkId) !== framework || !isAway) return
    const record = frameworkRecord(framework)
    store([writeFramework(record)], (later, error) => {
      if (error === undefined) framework.record = record
      else later.log('warn', 'the registry could not store that a framework is away', { frameworkId, error })
    })
  })
}

/** Without telling it: it is not there, or knows. */
export function endOffersOfFramework(turn: Turn, frameworkId: FrameworkId, reason: string): void {
  for (const record of [...turn.state.offers.values()]) {
    if (record.offer.frameworkId === frameworkId) endOffer(turn, record, 'rescinded', { reason })
  }
}
