import type { Fact, Key } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 2: a task id runs once, whatever is lost, repeated or restarted. */
export class Once extends Oracle {
  override readonly name = 'runs once'
  readonly #started = new Map<Key, string>()
  readonly #asked = new Set<Key>()

  override see(fact: Fact): void {
    if (fact.kind === 'launch-asked') this.#asked.add(fact.key)
    if (fact.kind !== 'container-started') return
    const { key, agentId } = fact
    const before = this.#started.get(key)
    this.expect(before === undefined, () => `${key} runs on ${agentId}, and ran on ${before} before`)
    this.expect(this.#asked.has(key), () => `${key} runs on ${agentId}, and no framework has asked for it`)
    this.#started.set(key, agentId)
  }
}
