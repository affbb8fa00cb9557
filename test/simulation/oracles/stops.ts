import { isTerminal } from '@tender/sdk/values'
import { type Fact, type Key, keyOf } from '../world/facts.js'
import { EndedFrameworks } from './ended-frameworks.js'
import { Oracle } from './oracle.js'

/** Promises 4 to 6: no container is stopped unless somebody has ordered it, whatever dies meanwhile. */
export class Stops extends Oracle {
  override readonly name = 'no needless stop'
  /** Why it may be stopped. */
  readonly #causes = new Map<Key, string>()
  readonly #frameworks = new EndedFrameworks()
  readonly #draining = new Set<string>()
  readonly #lost = new Set<Key>()

  override see(fact: Fact): void {
    this.#frameworks.see(fact)
    switch (fact.kind) {
      case 'kill-asked':
        this.#causes.set(fact.key, 'killed')
        return
      case 'record-lost':
        this.#lost.add(fact.key)
        return
      case 'operator-asked':
        if (fact.call.kind === 'drain') this.#draining.add(fact.call.agentId)
        return
      case 'leader-event':
        // A task that a leader has called ended must not run on.
        if (fact.event.task && isTerminal(fact.event.task.state))
          this.#causes.set(keyOf(fact.event.task), `called ${fact.event.task.state}`)
        return
      case 'stop-ordered': {
        const { key, agentId, isOrphan } = fact
        const mayStop = isOrphan
          ? this.#lost.has(key)
          : this.#causes.has(key) || this.#draining.has(agentId) || this.#frameworks.mayHaveEnded(key)
        return this.expect(mayStop, () => `agent ${agentId} stops ${key}, and nobody has ordered it`)
      }
      default:
        return
    }
  }
}
