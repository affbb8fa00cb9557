import { isTerminal } from '@tender/sdk/values'
import { type Fact, type Key, keyOf } from '../world/facts.js'
import { Oracle } from './oracle.js'

/**
 * Promise 2: a task id runs once, whatever is lost, repeated or restarted; and never when its framework was told that it
 * was not launched, or has ended.
 */
export class Once extends Oracle {
  override readonly name = 'runs once'
  readonly #started = new Map<Key, string>()
  readonly #running = new Set<Key>()
  readonly #asked = new Set<Key>()
  /** By its framework's knowledge it does not run, and why. */
  readonly #over = new Map<Key, string>()
  /** Of which the agent has lost the record. */
  readonly #lost = new Set<Key>()

  override see(fact: Fact): void {
    switch (fact.kind) {
      case 'launch-asked':
        this.#asked.add(fact.key)
        return
      case 'launch-refused':
        return this.#isOver(fact.key, `refused, ${fact.code}`)
      case 'told':
        // By an operator's word, and not by what runs there.
        if (fact.status.state === 'GONE_BY_OPERATOR') this.#over.set(keyOf(fact.status), fact.status.state)
        else if (isTerminal(fact.status.state)) this.#isOver(keyOf(fact.status), fact.status.state)
        return
      case 'record-lost':
        this.#lost.add(fact.key)
        return
      case 'container-started':
        return this.#starts(fact.key, fact.agentId)
      case 'container-ended':
        this.#running.delete(fact.key)
        return
      default:
        return
    }
  }

  #isOver(key: Key, why: string): void {
    const isFine = !this.#running.has(key) || this.#lost.has(key)
    this.expect(isFine, () => `the framework of ${key} is told that it does not run (${why}), and it does`)
    this.#over.set(key, why)
  }

  #starts(key: Key, agentId: string): void {
    const before = this.#started.get(key)
    this.expect(before === undefined, () => `${key} runs on ${agentId}, and ran on ${before} before`)
    this.expect(this.#asked.has(key), () => `${key} runs on ${agentId}, and no framework has asked for it`)
    const over = this.#over.get(key)
    // An agent that was removed does not hear of it before it comes back: then it is killed.
    this.expect(
      over === undefined || over === 'GONE_BY_OPERATOR',
      () => `${key} starts after its framework was told that it does not run (${over})`,
    )
    this.#started.set(key, agentId)
    this.#running.add(key)
  }
}
