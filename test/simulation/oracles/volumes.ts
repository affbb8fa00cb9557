import { kindOf } from '@tender/sdk/values'
import type { MasterState } from '../../../master/core/state.js'
import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 6, of volumes: one that was answered as made is there with each later leader, until somebody destroys it. */
export class Volumes extends Oracle {
  override readonly name = 'volumes stay'
  /** By agent. */
  readonly #made = new Map<string, Set<string>>()
  readonly #unwanted = new Set<string>()
  /** An operator wants to remove these: they may come back with what they last knew. */
  readonly #removed = new Set<string>()

  override see(fact: Fact): void {
    if (fact.kind === 'volume-made') {
      const made = this.#made.get(fact.agentId) ?? new Set()
      if (!this.#unwanted.has(fact.volumeId)) this.#made.set(fact.agentId, made.add(fact.volumeId))
    } else if (fact.kind === 'volume-unwanted') {
      this.#unwanted.add(fact.volumeId)
      this.#made.get(fact.agentId)?.delete(fact.volumeId)
    } else if (fact.kind === 'operator-asked' && fact.call.kind === 'remove-agent')
      this.#removed.add(fact.call.agentId)
    else if (fact.kind === 'elected') {
      const [newest] = this.world.leaders()
      if (newest?.term?.epoch !== fact.epoch) return
      for (const problem of this.#problems(newest.term.core.state)) this.expect(false, () => problem)
    }
  }

  override remains(): string[] {
    const state = this.world.leaders()[0]?.term?.core.state
    return state ? this.#problems(state) : []
  }

  #problems({ agents }: MasterState): string[] {
    return [...this.#made].flatMap(([agentId, made]) => {
      if (this.#removed.has(agentId)) return []
      this.checks += made.size
      const total = agents.get(agentId)?.total
      const known = new Set(total?.keys().map(key => kindOf(key).volume?.id))
      return [...made]
        .filter(volumeId => !known.has(volumeId))
        .map(volumeId => `agent ${agentId} has no volume ${volumeId}, which was answered as made`)
    })
  }
}
