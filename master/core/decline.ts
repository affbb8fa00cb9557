import {
  defaultRefuseMs,
  type frameworkToLeader,
  type Infer,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { endOffer, ownOffer } from './offers.js'
import type { Framework } from './state.js'
import { done, type Turn } from './turn.js'

/** Offers come back. Those that are there go, whatever is wrong with the others. */
export function decline(
  turn: Turn,
  framework: Framework,
  body: Infer<typeof frameworkToLeader.decline>,
): Reply {
  const refuseMs = body.filter?.refuseMs ?? defaultRefuseMs
  const refuseUntilMs = refuseMs > 0 ? turn.now + refuseMs : undefined
  let problem: ProtocolError | undefined
  for (const offerId of new Set(body.offerIds)) {
    try {
      endOffer(turn, ownOffer(turn, framework, offerId), 'declined', { refuseUntilMs })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // One that has ended meanwhile is what the framework wanted.
      if (error.code !== 'invalid-offer') problem ??= error
    }
  }
  if (problem) throw problem
  return done()
}
