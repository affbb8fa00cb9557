import type { Reply } from '@tender/sdk/protocol'
import { isTerminal } from '@tender/sdk/values'
import { type Fact, type FactOf, type Key, keyOf } from '../world/facts.js'
import { EndedFrameworks } from './ended-frameworks.js'
import { Oracle } from './oracle.js'

/**
 * Of agents and frameworks that an operator has removed: an agent is not let in again unless it may return, its tasks are
 * told once to be gone, and what has come back with it is killed, as all of a framework that was torn down is.
 */
export class Removals extends Oracle {
  override readonly name = 'removed for good'
  readonly #frameworks = new EndedFrameworks()
  /** Agents of which an operator has said so. */
  readonly #asked = new Set<string>()
  readonly #gone = new Set<string>()
  /** By agent: what a leader knew there when it was asked to remove it. */
  readonly #tasksAt = new Map<string, readonly Key[]>()
  /** By life of a framework and task. */
  readonly #told = new Set<string>()
  readonly #ended = new Set<Key>()
  readonly #goneTasks = new Set<Key>()
  readonly #mustBeTold = new Set<Key>()

  override see(fact: Fact): void {
    this.#frameworks.see(fact)
    if (fact.kind === 'operator-asked' && fact.call.kind === 'remove-agent') {
      const { agentId } = fact.call
      const known = this.world.leaders()[0]?.term?.core.state.tasks.ofAgent(agentId) ?? []
      this.#asked.add(agentId)
      this.#tasksAt.set(
        agentId,
        known.map(({ key }) => key),
      )
    } else if (fact.kind === 'operator-answered' && fact.call.kind === 'remove-agent') {
      if (!fact.reply?.ok || fact.call.mayReturn) return
      this.#gone.add(fact.call.agentId)
      for (const key of this.#tasksAt.get(fact.call.agentId) ?? []) this.#mustBeTold.add(key)
    } else if (fact.kind === 'leader-sent') this.#sent(fact)
    else if (fact.kind === 'told') this.#tell(fact)
  }

  #sent({ epoch, peer, envelope }: FactOf<'leader-sent'>): void {
    if (peer.kind !== 'agent' || envelope.kind !== 'reply' || !this.#gone.has(peer.id)) return
    if (epoch !== this.world.leaders()[0]?.term?.epoch) return
    const { ok } = envelope.body as Reply
    this.expect(!ok, () => `agent ${peer.id} is let in, and was removed for good`)
  }

  #tell({ process, life, status }: FactOf<'told'>): void {
    const key = keyOf(status)
    if (isTerminal(status.state)) this.#ended.add(key)
    if (status.state !== 'GONE_BY_OPERATOR') return
    const place = `${process}/${life}/${key}`
    const { agentId = '' } = status
    this.expect(this.#asked.has(agentId), () => `${key} is told GONE_BY_OPERATOR, nobody removed ${agentId}`)
    this.expect(!this.#told.has(place), () => `${key} is told twice to be GONE_BY_OPERATOR`)
    this.#told.add(place)
    this.#goneTasks.add(key)
  }

  override remains(): string[] {
    const agents = this.world.agents.filter(({ hasGivenUp }) => !hasGivenUp)
    const running = agents.flatMap(({ host }) => host.running().map(({ key }) => key))
    const untold = [...this.#mustBeTold].filter(
      key => !this.#ended.has(key) && !this.#frameworks.mayHaveEnded(key),
    )
    this.checks += running.length + this.#mustBeTold.size
    return [
      ...untold.map(key => `the framework of ${key} was never told that its agent was removed`),
      ...running
        .filter(key => this.#goneTasks.has(key))
        .map(key => `${key} runs, and its framework was told that it is GONE_BY_OPERATOR`),
      ...running
        .filter(key => this.#frameworks.mustEnd.has(key))
        .map(key => `${key} runs, and its framework was torn down`),
    ]
  }
}
