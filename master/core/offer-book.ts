import type { AgentId, OfferId } from '@tender/sdk/protocol'
import type { OfferRecord } from './state.js'

/** The outstanding offers, by id, in the order in which they were made; also by agent. */
export class OfferBook {
  readonly #offers = new Map<OfferId, OfferRecord>()
  readonly #byAgent = new Map<AgentId, Set<OfferRecord>>()

  get size(): number {
    return this.#offers.size
  }

  get(offerId: OfferId): OfferRecord | undefined {
    return this.#offers.get(offerId)
  }

  values(): Iterable<OfferRecord> {
    return this.#offers.values()
  }

  /** As they are now: what ends while one goes through them is in it. */
  ofAgent(agentId: AgentId): readonly OfferRecord[] {
    return [...(this.#byAgent.get(agentId) ?? [])]
  }

  add(record: OfferRecord): void {
    const { offerId, agentId } = record.offer
    this.#offers.set(offerId, record)
    const offers = this.#byAgent.get(agentId)
    if (offers) offers.add(record)
    else this.#byAgent.set(agentId, new Set([record]))
  }

  delete(record: OfferRecord): void {
    const { offerId, agentId } = record.offer
    if (!this.#offers.delete(offerId)) return
    const offers = this.#byAgent.get(agentId)
    offers?.delete(record)
    if (offers?.size === 0) this.#byAgent.delete(agentId)
  }
}
