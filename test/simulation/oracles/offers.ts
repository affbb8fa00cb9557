import type { Offer } from '@tender/sdk/protocol'
import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 8: each offer ends exactly once. */
export class Offers extends Oracle {
  override readonly name = 'offers end once'
  readonly #outstanding = new Map<number, Set<string>>()
  readonly #ended = new Set<string>()
  readonly #sent = new Set<string>()

  override see(fact: Fact): void {
    if (fact.kind === 'offered') {
      for (const offerId of fact.offerIds)
        this.expect(
          this.#sent.has(offerId),
          () => `${fact.frameworkId} is offered ${offerId}, which nobody has made`,
        )
      return
    }
    // The leader may die between an offer and the event that tells of it.
    if (fact.kind === 'leader-sent' && fact.envelope.kind === 'offers') {
      const { offers } = fact.envelope.body as { readonly offers: readonly Offer[] }
      for (const { offerId } of offers) this.#sent.add(offerId)
    }
    if (fact.kind !== 'leader-event') return
    const { epoch, event } = fact
    const offerId = event.offer?.offerId ?? ''
    if (event.kind === 'offer-made') {
      this.expect(!this.#isMade(offerId), () => `offer ${offerId} is made twice`)
      const outstanding = this.#outstanding.get(epoch)
      if (outstanding) outstanding.add(offerId)
      else this.#outstanding.set(epoch, new Set([offerId]))
    } else if (event.kind === 'offer-ended') {
      const isOutstanding = this.#outstanding.get(epoch)?.delete(offerId) ?? false
      this.expect(
        isOutstanding,
        () => `offer ${offerId} ends (${event.offer?.state}), and was not outstanding`,
      )
      this.#ended.add(offerId)
    }
  }

  #isMade(offerId: string): boolean {
    return (
      this.#ended.has(offerId) ||
      [...this.#outstanding.values()].some(outstanding => outstanding.has(offerId))
    )
  }

  override remains(): string[] {
    const leader = this.world.leaders()[0]
    const { core, epoch } = leader?.term ?? {}
    if (!leader || !core || epoch === undefined) return []
    const told = [...(this.#outstanding.get(epoch) ?? [])].filter(id => !core.state.offers.get(id))
    const overdue = [...core.state.offers.values()].filter(
      ({ offer }) => (offer.expiresAtMs ?? Infinity) + 2_000 < leader.clock.now(),
    )
    return [
      ...told.map(id => `the end of offer ${id} was never told`),
      ...overdue.map(({ offer }) => `offer ${offer.offerId} is overdue`),
    ]
  }
}
