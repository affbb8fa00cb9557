import type { FrameworkId } from '@tender/sdk/protocol'
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
}

/** Without telling it: it is not there, or knows. */
export function endOffersOfFramework(turn: Turn, frameworkId: FrameworkId, reason: string): void {
  for (const record of [...turn.state.offers.values()]) {
    if (record.offer.frameworkId === frameworkId) endOffer(turn, record, 'rescinded', { reason })
  }
}
