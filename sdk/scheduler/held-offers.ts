import type { OfferId } from '../protocol/ids.js'
import type { InverseOffer } from '../protocol/inverse-offer.js'
import type { Offer } from '../protocol/offer.js'

/** The offers, and the requests to leave, that the author has been shown and that stand. */
export class HeldOffers {
  readonly #offers = new Map<OfferId, Offer>()
  readonly #inverseOffers = new Set<OfferId>()

  get offerIds(): OfferId[] {
    return [...this.#offers.keys()]
  }

  get inverseOfferIds(): OfferId[] {
    return [...this.#inverseOffers]
  }

  add(offers: readonly Offer[]): void {
    for (const offer of offers) this.#offers.set(offer.offerId, offer)
  }

  /** They are answered. @returns those that stood */
  take(offerIds: readonly OfferId[]): Offer[] {
    return offerIds.flatMap(id => {
      const offer = this.#offers.get(id)
      return offer && this.#offers.delete(id) ? [offer] : []
    })
  }

  /** @returns those that stood */
  rescind(offerIds: readonly OfferId[]): OfferId[] {
    return offerIds.filter(id => this.#offers.delete(id))
  }

  addInverse(inverseOffers: readonly InverseOffer[]): void {
    for (const { inverseOfferId } of inverseOffers) this.#inverseOffers.add(inverseOfferId)
  }

  /** Also when it has been answered: the request is taken back. @returns those that stood */
  rescindInverse(inverseOfferIds: readonly OfferId[]): OfferId[] {
    return inverseOfferIds.filter(id => this.#inverseOffers.delete(id))
  }
}
