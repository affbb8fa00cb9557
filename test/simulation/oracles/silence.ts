import type { Reply, TaskStatus } from '@tender/sdk/protocol'
import { type Fact, type FactOf, type Key, keyOf } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 7: a leader tells once for each silence that a task is UNREACHABLE, and only when its agent was silent. */
export class Silence extends Oracle {
  override readonly name = 'unreachable once'
  /** By epoch and agent: the tasks that were told, since the agent was admitted. */
  readonly #told = new Map<string, Set<Key>>()

  override see(fact: Fact): void {
    if (fact.kind === 'leader-sent') this.#sent(fact)
  }

  #sent({ epoch, peer, envelope }: FactOf<'leader-sent'>): void {
    if (envelope.kind === 'reply' && peer.kind === 'agent') {
      if ((envelope.body as Reply).ok) this.#told.delete(`${epoch}/${peer.id}`)
      return
    }
    if (envelope.kind !== 'update') return
    const { status } = envelope.body as { readonly status: TaskStatus }
    if (status.reason !== 'AGENT_UNREACHABLE') return
    const place = `${epoch}/${status.agentId}`
    const told = this.#told.get(place) ?? new Set()
    const key = keyOf(status)
    this.expect(
      !told.has(key),
      () => `${key} is told twice to be UNREACHABLE in one silence of ${status.agentId}`,
    )
    this.#told.set(place, told.add(key))
  }
}
