import type { AgentId, Offer, OfferId, OfferOutcome } from '@tender/sdk/protocol'
import { ProtocolError } from '@tender/sdk/protocol'
import type { Resources } from '@tender/sdk/values'
import type { Claim, Grant } from '../allocator/types.js'
import type { Framework, MasterState, OfferRecord } from './state.js'
import type { Turn } from './turn.js'
import { viewOffer } from './views.js'

/** So many ended offers are remembered: to be looked at, and to say what became of one that is accepted too late. */
const keptEndedOffers = 1_000

/** Makes offers of what the allocator has granted, and sends them. */
export function makeOffers(turn: Turn, grants: readonly Grant[]): void {
  const { state } = turn
  const offers = new Map<string, Offer[]>()
  for (const grant of grants) {
    const offer = makeOffer(turn, grant)
    const list = offers.get(grant.frameworkId)
    if (list) list.push(offer)
    else offers.set(grant.frameworkId, [offer])
  }
  for (const [frameworkId, list] of offers) {
    const framework = state.frameworks.get(frameworkId)
    if (!framework) continue
    // Some thousand offers fit in a message; fewer leave room for large attributes.
    for (let start = 0; start < list.length; start += 500) {
      turn.toFramework(framework, 'offers', { offers: list.slice(start, start + 500) })
    }
  }
}

function makeOffer(turn: Turn, grant: Grant): Offer {
  const { state } = turn
  const { frameworkId, role, agentId, resources } = grant
  const agent = state.agents.get(agentId)
  if (!agent) throw new Error(`the allocator offers agent ${agentId}, which the master does not know`)
  const { offerTimeoutMs } = state.settings
  const offer: Offer = {
    offerId: turn.newOfferId(),
    frameworkId,
    role,
    agentId,
    hostname: agent.info.hostname,
    resources: resources.toWire(),
    attributes: agent.info.attributes,
    ...(agent.info.domain === undefined ? {} : { domain: agent.info.domain }),
    ...(agent.unavailability === undefined ? {} : { unavailability: agent.unavailability }),
    containerizers: agent.info.containerizers,
    madeAtMs: turn.now,
    ...(offerTimeoutMs === null ? {} : { expiresAtMs: turn.now + offerTimeoutMs }),
  }
  const record: OfferRecord = {
    offer,
    resources,
    state: 'outstanding',
    endedAtMs: undefined,
    reason: undefined,
  }
  state.offers.add(record)
  turn.touch(agentId)
  turn.log('debug', 'offer made', {
    offerId: offer.offerId,
    frameworkId,
    agentId,
    role,
    resources,
  })
  turn.event({ kind: 'offer-made', offer: viewOffer(state, record, turn.now) })
  return offer
}

/** @throws ProtocolError saying what became of it, or that it is another framework's */
export function ownOffer(turn: Turn, framework: Framework, offerId: OfferId): OfferRecord {
  const { state } = turn
  const record = state.offers.get(offerId)
  if (!record) throw new ProtocolError('invalid-offer', `offer ${offerId} ${fate(turn, offerId)}`)
  if (record.offer.frameworkId !== framework.frameworkId) {
    throw new ProtocolError(
      'not-your-offer',
      `offer ${offerId} was not made to framework ${framework.frameworkId}`,
    )
  }
  return record
}

function fate(turn: Turn, offerId: OfferId): string {
  const ended = turn.state.endedOffers.findLast(record => record.offer.offerId === offerId)
  if (ended) {
    const agoMs = turn.now - (ended.endedAtMs ?? turn.now)
    return `was ${ended.state} ${agoMs} ms ago${ended.reason === undefined ? '' : `: ${ended.reason}`}`
  }
  const epoch = offerId.split('-')[0]
  if (epoch !== String(turn.epoch)) return `is not of this leader, whose offers begin with ${turn.epoch}-`
  return 'is not known'
}

/** The one place where an offer ends, exactly once. Its resources come back unless the books are settled already. */
export function endOffer(
  turn: Turn,
  record: OfferRecord,
  outcome: OfferOutcome,
  options: { refuseUntilMs?: number | undefined; reason?: string; booksAreSettled?: boolean } = {},
): void {
  const { state } = turn
  const { offerId, frameworkId, agentId } = record.offer
  state.offers.delete(record)
  turn.touch(agentId)
  record.state = outcome
  record.endedAtMs = turn.now
  record.reason = options.reason
  state.endedOffers.push(record)
  if (state.endedOffers.length > keptEndedOffers) state.endedOffers.shift()
  if (!options.booksAreSettled) state.allocator.recover(claimOf(record), options.refuseUntilMs)
  turn.log('debug', `offer ${outcome}`, { offerId, frameworkId, agentId, reason: options.reason })
  turn.event({ kind: 'offer-ended', offer: viewOffer(state, record, turn.now) })
}

/** Takes an offer back, and tells its framework. */
export function rescind(
  turn: Turn,
  record: OfferRecord,
  reason: string,
  outcome: OfferOutcome = 'rescinded',
): void {
  endOffer(turn, record, outcome, { reason })
  const framework = turn.state.frameworks.get(record.offer.frameworkId)
  if (framework) turn.toFramework(framework, 'rescind', { offerIds: [record.offer.offerId], reason })
}

export function rescindOffersOf(turn: Turn, agentId: AgentId, reason: string): void {
  for (const record of newestOffersOf(turn.state, agentId).toReversed()) rescind(turn, record, reason)
}

export function newestOffersOf(state: MasterState, agentId: AgentId): OfferRecord[] {
  return state.offers.ofAgent(agentId).toReversed()
}

/** Whether these hold one of the shared volumes among those. */
export function holdsShared(resources: Resources, volumes: Resources): boolean {
  const shared = new Set(volumes.only(kind => kind.isShared).keys())
  return resources.keys().some(key => shared.has(key))
}

export function claimOf({ offer, resources }: OfferRecord): Claim {
  const { frameworkId, role, agentId } = offer
  return { frameworkId, role, agentId, resources }
}
