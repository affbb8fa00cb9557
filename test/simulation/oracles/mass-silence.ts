import type { TaskStatus } from '@tender/sdk/protocol'
import { isTerminal } from '@tender/sdk/values'
import type { Fact, FactOf } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** After so long a silent agent's tasks are UNREACHABLE: ten seconds of silence, and a tick and a write. */
const withinMs = 11_000
/** Of fewer silent agents, or a smaller share, a leader does not suspect its own link. */
const fewestSuspicious = 3
const suspiciousShare = 0.2

/**
 * Promise 7: while a leader is there, a silent agent's tasks become UNREACHABLE in time; but when most agents fall silent
 * at once, none of them is given up.
 */
export class MassSilence extends Oracle {
  override readonly name = 'silence is noticed'
  /** By agent, since when it cannot be heard. */
  readonly #cutSince = new Map<string, number>()
  /** The last cuts, which count as one when they overlap. */
  #lastCutMs = -Infinity
  #ledSinceMs = Infinity

  override see(fact: Fact): void {
    if (this.world.plan.profile !== 'silences') return
    const { now } = this.world.timeline
    if (fact.kind === 'elected') this.#ledSinceMs = now
    else if (fact.kind === 'deposed' || fact.kind === 'process-ended') this.#noteEnd(fact)
    else if (fact.kind === 'fault-begins' && fact.fault.kind === 'cut-many') {
      for (const agentId of fact.fault.agentIds)
        if (!this.#cutSince.has(agentId)) this.#cutSince.set(agentId, now)
      this.#lastCutMs = now
      this.world.timeline.after(withinMs, () => this.#look(now))
    } else if (fact.kind === 'fault-ends' && fact.fault.kind === 'cut-many')
      for (const agentId of fact.fault.agentIds) this.#cutSince.delete(agentId)
    else if (fact.kind === 'healed') this.#cutSince.clear()
    else if (fact.kind === 'leader-sent' && fact.envelope.kind === 'update') this.#told(fact)
  }

  #noteEnd(fact: FactOf<'deposed'> | FactOf<'process-ended'>): void {
    const isMaster = this.world.masters.some(({ name }) => name === fact.process)
    if (isMaster) this.#ledSinceMs = Infinity
  }

  /** Of the agents that were cut off at this moment. */
  #look(sinceMs: number): void {
    const isLedThroughout = this.#ledSinceMs <= sinceMs - withinMs && sinceMs === this.#lastCutMs
    const silent = [...this.#cutSince].filter(([, since]) => since === sinceMs)
    const isSuspicious = this.#cutSince.size > this.#mostTrusted
    const state = this.world.leaders()[0]?.term?.core.state
    if (!isLedThroughout || isSuspicious || !state || state.suspicion) return
    for (const [agentId] of silent) {
      const late = state.tasks
        .ofAgent(agentId)
        .filter(task => task.state !== 'UNREACHABLE' && !isTerminal(task.state))
      this.expect(late.length === 0, () => {
        return `${late.map(({ key, state: is }) => `${key} (${is})`).join(', ')} of ${agentId} should be UNREACHABLE`
      })
    }
  }

  #told({ envelope }: FactOf<'leader-sent'>): void {
    const { status } = envelope.body as { readonly status: TaskStatus }
    const since = status.reason === 'AGENT_UNREACHABLE' && this.#cutSince.get(status.agentId ?? '')
    if (typeof since !== 'number') return
    const together = [...this.#cutSince.values()].filter(each => each === since).length
    this.expect(together <= this.#mostTrusted, () => {
      return `${status.taskId} is UNREACHABLE, and ${together} agents were cut off at once`
    })
  }

  get #mostTrusted(): number {
    return Math.max(fewestSuspicious - 1, this.world.agents.length * suspiciousShare)
  }
}
