import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** At most one leader for each epoch, and neither agents nor frameworks follow an older one after a newer one. */
export class Epochs extends Oracle {
  override readonly name = 'epochs'
  readonly #leaders = new Map<number, string>()
  readonly #newest = new Map<string, number>()

  override see(fact: Fact): void {
    if (fact.kind === 'elected') {
      const { epoch, process } = fact
      const before = this.#leaders.get(epoch)
      this.expect(before === undefined, () => `${process} leads in epoch ${epoch}, and ${before} did before`)
      this.#leaders.set(epoch, process)
    } else if (fact.kind === 'agent-obeys') {
      const { agentId, life, epoch } = fact
      const newest = this.#newest.get(`${agentId}/${life}`) ?? 0
      this.expect(epoch >= newest, () => `agent ${agentId} obeys epoch ${epoch} after ${newest}`)
      this.#newest.set(`${agentId}/${life}`, epoch)
    } else if (fact.kind === 'offered') {
      const { frameworkId, process, life, offerIds } = fact
      const newest = this.#newest.get(`${process}/${life}`) ?? 0
      for (const offerId of offerIds) {
        const epoch = Number(offerId.split('-')[0])
        this.expect(
          epoch >= newest,
          () => `framework ${frameworkId} takes offer ${offerId} after those of epoch ${newest}`,
        )
        this.#newest.set(`${process}/${life}`, epoch)
      }
    }
  }
}
