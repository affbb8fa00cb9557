import type { Reply } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import type { OperatorCall } from '../../../master/core/operator-calls.js'
import type { MasterState } from '../../../master/core/state.js'
import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** What an order is about, and what is to be so from then on. */
interface Wish {
  readonly subject: string
  /** Of what it was. */
  readonly become: (value: string) => string
}

/**
 * Promise 6, of operators' orders: what was answered as done holds, in each later leader too. One that was not answered
 * may have been done or not.
 */
export class Orders extends Oracle {
  override readonly name = 'orders hold'
  /** By subject: what may be so. */
  readonly #possible = new Map<string, ReadonlySet<string>>()
  /** As it was before the last order: one that is refused has changed nothing. */
  readonly #before = new Map<string, ReadonlySet<string>>()
  /** What nobody can tell any more: an agent that was removed may come back with other reservations. */
  readonly #untold = new Set<string>()

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
    if (call.kind === 'remove-agent')
      for (const what of ['reserved', 'volume']) this.#untold.add(`${what} ${call.agentId}`)
    for (const { subject, become } of wishesOf(call)) {
      const before = this.#possible.get(subject) ?? new Set([usual(subject)])
      this.#before.set(subject, before)
      this.#possible.set(subject, new Set([...before, ...[...before].map(become)]))
    }
  }

  #answered(call: OperatorCall, reply: Reply | undefined): void {
    if (!reply || (!reply.ok && reply.code === 'registry-unavailable')) return
    for (const { subject, become } of wishesOf(call)) {
      const before = this.#before.get(subject) ?? new Set([usual(subject)])
      this.#possible.set(subject, reply.ok ? new Set([...before].map(become)) : before)
    }
  }

  #problems(state: MasterState): string[] {
    return [...this.#possible].flatMap(([subject, possible]) => {
      this.checks++
      if (this.#untold.has(subject)) return []
      const value = valueOf(state, subject)
      const list = [...possible].join(' or ')
      return value === undefined || possible.has(value) ? [] : [`${subject} is ${value}, ${list} was ordered`]
    })
  }
}

function wishesOf(call: OperatorCall): Wish[] {
  const wish = (subject: string, value: string): Wish => ({ subject, become: () => value })
  switch (call.kind) {
    case 'set-weight':
      return [wish(`weight ${call.role}`, String(call.weight))]
    case 'reset-role':
      return [wish(`weight ${call.role}`, '1'), wish(`limit ${call.role}`, 'none')]
    case 'set-quotas':
      return call.quotas.map(({ role, limit }) => wish(`limit ${role}`, String(limit?.['cpus'] ?? 'none')))
    case 'drain':
      return [wish(`condition ${call.agentId}`, 'draining')]
    case 'deactivate':
      return [wish(`condition ${call.agentId}`, 'deactivated')]
    case 'reactivate':
      return [wish(`condition ${call.agentId}`, 'active')]
    case 'remove-agent':
      return [
        wish(`gone ${call.agentId}`, call.mayReturn ? 'no' : 'yes'),
        wish(`condition ${call.agentId}`, 'active'),
        wish(`window ${call.agentId}`, 'none'),
      ]
    case 'reserve':
    case 'unreserve': {
      const more = call.kind === 'reserve' ? 1 : -1
      const amount = Resources.fromWire(call.resources).quantities().get('cpus') ?? 0
      const become = (value: string) => String(Number(value) + more * amount)
      return [{ subject: `reserved ${call.agentId}`, become }]
    }
    case 'create-volumes':
      return [wish(`volume ${call.agentId}`, 'there')]
    case 'destroy-volumes':
      return [wish(`volume ${call.agentId}`, 'none')]
    case 'set-maintenance':
      return call.agentIds.map(agentId =>
        wish(`window ${agentId}`, String(call.unavailability?.startMs ?? 'none')),
      )
    case 'tear-down':
    case 'confirm-silent':
    case 'set-whitelist':
      return []
  }
}

/** As it is before anybody has ordered anything. */
function usual(subject: string): string {
  const [what = ''] = subject.split(' ')
  const values: Record<string, string> = { weight: '1', condition: 'active', gone: 'no', reserved: '0' }
  return values[what] ?? 'none'
}

/** Undefined when it cannot be told. */
function valueOf(state: MasterState, subject: string): string | undefined {
  const [what, name = ''] = subject.split(' ')
  if (what === 'weight') return String(state.allocator.weight(name))
  if (what === 'limit') {
    const limit = state.allocator.quota(name)?.limit.get('cpus')
    return limit === undefined ? 'none' : String(limit / 1_000)
  }
  if (what === 'gone') return state.goneAgents.has(name) ? 'yes' : 'no'
  const agent = state.agents.get(name)
  if (!agent) return undefined
  if (what === 'window') return String(agent.unavailability?.startMs ?? 'none')
  if (what === 'condition') return agent.order.condition
  const dynamic = agent.total.only(({ reservation }) => reservation !== undefined)
  if (what === 'reserved') return String(dynamic.quantities().get('cpus') ?? 0)
  return dynamic.only(({ volume }) => volume?.id === `of-${name}`).isEmpty ? 'none' : 'there'
}
