import { kindOf, Resources } from '@tender/sdk/values'
import type { Fact, Key } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 1: what runs on an agent never takes more than the agent has, port by port, reserved or not. */
export class Capacity extends Oracle {
  override readonly name = 'capacity'
  readonly #used = new Map<string, Map<Key, Resources>>()
  readonly #totals = new Map<string, Resources>()
  /** Of which the agent has lost the record: it runs on, and nobody can know. */
  readonly #unknown = new Set<Key>()

  override see(fact: Fact): void {
    if (fact.kind === 'container-started') this.#started(fact.agentId, fact.key, fact.info.resources)
    else if (fact.kind === 'container-ended') this.#used.get(fact.agentId)?.delete(fact.key)
    else if (fact.kind === 'record-lost') this.#unknown.add(fact.key)
  }

  #started(agentId: string, key: Key, resources: Parameters<typeof Resources.fromWire>[0]): void {
    const used = this.#used.get(agentId) ?? new Map<Key, Resources>()
    this.#used.set(agentId, used.set(key, plain(Resources.fromWire(resources))))
    const total = this.#totalOf(agentId)
    let left = total
    for (const [each, amount] of used) {
      if (this.#unknown.has(each)) continue
      this.expect(left.contains(amount), () => {
        const tasks = [...used].map(([name, taken]) => `${name} (${String(taken)})`).join(', ')
        return `agent ${agentId} has ${String(total)}, and runs ${tasks}`
      })
      left = left.minus(amount)
    }
  }

  #totalOf(agentId: string): Resources {
    const info = this.world.plan.agents.find(each => each.agentId === agentId)
    const total = this.#totals.get(agentId) ?? Resources.fromWire(info?.resources ?? {})
    this.#totals.set(agentId, total)
    return total
  }
}

/** By name alone, whatever is reserved or a volume. */
function plain(resources: Resources): Resources {
  const amounts = [...resources.entries()].map(([key, value]) => Resources.of([[kindOf(key).name, value]]))
  return Resources.sum(amounts)
}
