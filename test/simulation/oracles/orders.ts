import type { Reply } from '@tender/sdk/protocol'
import type { OperatorCall } from '../../../master/core/operator-calls.js'
import type { MasterState } from '../../../master/core/state.js'
import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** What an order is about, and what is to be so from then on. */
interface Wish {
  readonly subject: string
  readonly value: string
}

/**
 * Promise 6, of operators' orders: what was answered as done holds, in each later leader too. One that was not answered
 * may have been done or not.
 */
export class Orders extends Oracle {
  override readonly name = 'orders hold'
  /** By subject: what may be so. */
  readonly #possible = new Map<string, Set<string>>()

  override see(fact: Fact): void {
    if (fact.kind === 'operator-asked') this.#asked(fact.call)
    else if (fact.kind === 'operator-answered') this.#answered(fact.call, fact.reply)
    else if (fact.kind === 'elected') {
      const leader = this.world.masters.find(({ term }) => term?.epoch === fact.epoch)
      const newest = this.world.leaders()[0]
      if (leader?.term && leader === newest)
        for (const problem of this.#problems(leader.term.core.state)) this.expect(false, () => problem)
    }
  }

  override remains(): string[] {
    const state = this.world.leaders()[0]?.term?.core.state
    return state ? this.#problems(state) : []
  }

  #asked(call: OperatorCall): void {
    for (const { subject, value } of wishesOf(call)) {
      const possible = this.#possible.get(subject) ?? new Set([usual(subject)])
      this.#possible.set(subject, possible.add(value))
    }
  }

  #answered(call: OperatorCall, reply: Reply | undefined): void {
    for (const { subject, value } of wishesOf(call)) {
      if (reply?.ok) this.#possible.set(subject, new Set([value]))
      else if (reply && reply.code !== 'registry-unavailable') this.#possible.get(subject)?.delete(value)
    }
  }

  #problems(state: MasterState): string[] {
    return [...this.#possible].flatMap(([subject, possible]) => {
      this.checks++
      const value = valueOf(state, subject)
      const list = [...possible].join(' or ')
      return value === undefined || possible.has(value) ? [] : [`${subject} is ${value}, ${list} was ordered`]
    })
  }
}

function wishesOf(call: OperatorCall): Wish[] {
  switch (call.kind) {
    case 'set-weight':
      return [{ subject: `weight ${call.role}`, value: String(call.weight) }]
    case 'drain':
      return [{ subject: `condition ${call.agentId}`, value: 'draining' }]
    case 'deactivate':
      return [{ subject: `condition ${call.agentId}`, value: 'deactivated' }]
    case 'reactivate':
      return [{ subject: `condition ${call.agentId}`, value: 'active' }]
    case 'set-maintenance':
      return call.agentIds.map(agentId => ({
        subject: `window ${agentId}`,
        value: String(call.unavailability?.startMs ?? 'none'),
      }))
    default:
      return []
  }
}

/** As it is before anybody has ordered anything. */
function usual(subject: string): string {
  if (subject.startsWith('weight ')) return '1'
  return subject.startsWith('window ') ? 'none' : 'active'
}

/** Undefined when it cannot be told. */
function valueOf(state: MasterState, subject: string): string | undefined {
  const [what, name = ''] = subject.split(' ')
  if (what === 'weight') return String(state.allocator.weight(name))
  const agent = state.agents.get(name)
  if (!agent) return undefined
  return what === 'window' ? String(agent.unavailability?.startMs ?? 'none') : agent.order.condition
}
