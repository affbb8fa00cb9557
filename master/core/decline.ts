import {
  defaultRefuseMs,
  type Filter,
  type frameworkToLeader,
  type Infer,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { checkDemands, setDemands } from './demand.js'
import { endOffer, ownOffer } from './offers.js'
import type { Framework } from './state.js'
import { done, type Turn } from './turn.js'

/** Offers come back. Those that are there go, whatever is wrong with the others. */
export function decline(
  turn: Turn,
  framework: Framework,
  body: Infer<typeof frameworkToLeader.decline>,
): Reply {
  const demands = checkDemands(framework.info.roles, body.demands)
  const refuseUntilMs = refuseUntil(turn, body)
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
  setDemands(turn, framework, demands)
  if (problem) throw problem
  return done()
}

/** Until when what comes back is not offered to the same framework again; undefined: no filter. */
export function refuseUntil(turn: Turn, { filter }: { readonly filter?: Filter }): number | undefined {
  const refuseMs = filter?.refuseMs ?? defaultRefuseMs
  return refuseMs > 0 ? turn.now + refuseMs : undefined
}
