import type { OperatorCall } from '../../../master/core/operator-calls.js'
import { Chance } from '../world/chance.js'
import type { Names } from './faults.js'
import type { Profile } from './profile.js'

export interface Order {
  readonly atMs: number
  readonly call: OperatorCall
}

/** The role that has a quota and reservations, where there are some. */
export const jobsRole = 'jobs'

/** Not before the cluster has come together. */
const firstMs = 8_000
/** What an operator reserves of an agent. */
const reserved = { [`cpus(${jobsRole},dynamic)`]: 0.25, [`disk(${jobsRole},dynamic)`]: 100 }
const volume = (agentId: string) => ({ [`disk(${jobsRole},dynamic)[of-${agentId}:/data]`]: 100 })

type DiskState = 'free' | 'reserved' | 'volume'

/**
 * What operators order. At most one agent is not offered at a time, and fewer than half are removed for good: what is
 * wanted has room on the others. In the end agents are offered again, and limits are lifted.
 */
export function ordersOf(seed: number, profile: Profile, names: Names, untilMs: number): Order[] {
  return new Orders(new Chance(seed, 'operator'), names).make(profile, untilMs)
}

class Orders {
  readonly #chance: Chance
  readonly #names: Names
  #agents: readonly string[]
  readonly #fewest: number
  #held: string | undefined
  #hasQuota = false
  readonly #disks = new Map<string, DiskState>()

  constructor(chance: Chance, names: Names) {
    this.#chance = chance
    this.#names = names
    this.#agents = names.agents
    this.#fewest = Math.floor(names.agents.length / 2) + 1
  }

  make(profile: Profile, untilMs: number): Order[] {
    const count = this.#chance.integer(...profile.operator)
    const times = Array.from({ length: count }, () => this.#chance.integer(firstMs, untilMs))
    const orders = times.toSorted((a, b) => a - b).map(atMs => ({ atMs, call: this.#next() }))
    const last: OperatorCall[] = [
      ...(this.#held === undefined ? [] : [{ kind: 'reactivate' as const, agentId: this.#held }]),
      ...(this.#hasQuota ? [{ kind: 'reset-role' as const, role: jobsRole }] : []),
    ]
    return [...orders, ...last.map(call => ({ atMs: untilMs, call }))]
  }

  #next(): OperatorCall {
    const agentId = this.#chance.pick(this.#agents)
    const kind = this.#chance.next()
    if (kind < 0.2)
      return {
        kind: 'set-weight',
        role: this.#chance.pick(['*', jobsRole]),
        weight: this.#chance.integer(1, 9),
      }
    if (kind < 0.3 && this.#names.frameworks.length > 0)
      return { kind: 'tear-down', frameworkId: this.#chance.pick(this.#names.frameworks) }
    if (kind < 0.36) {
      const unavailability = { startMs: 1_700_000_000_000 + this.#chance.integer(0, 3_600_000) }
      return { kind: 'set-maintenance', agentIds: [agentId], unavailability }
    }
    if (kind < 0.48) return this.#remove(agentId)
    if (kind < 0.6) return this.#setQuota()
    if (kind < 0.76) return this.#convert(agentId)
    return kind < 0.79 ? { kind: 'confirm-silent' } : this.#hold(agentId)
  }

  #remove(agentId: string): OperatorCall {
    const mayReturn = this.#chance.is(0.5) || this.#agents.length <= this.#fewest
    if (!mayReturn) this.#agents = this.#agents.filter(name => name !== agentId)
    if (!mayReturn && this.#held === agentId) this.#held = undefined
    return { kind: 'remove-agent', agentId, mayReturn }
  }

  #setQuota(): OperatorCall {
    this.#hasQuota = true
    const limit = { cpus: this.#chance.integer(4, 8) / 4 }
    const guarantee = this.#chance.is(0.3) ? { guarantee: { cpus: 1 } } : {}
    const force = this.#chance.is(0.3) ? { force: true } : {}
    return { kind: 'set-quotas', quotas: [{ role: jobsRole, limit, ...guarantee }], ...force }
  }

  /** Each agent has at most one reservation and one volume of them, made and undone in turn. */
  #convert(agentId: string): OperatorCall {
    const before = this.#disks.get(agentId) ?? 'free'
    const isMore = this.#chance.is(0.6)
    const become = (state: DiskState, call: OperatorCall): OperatorCall => {
      this.#disks.set(agentId, state)
      return call
    }
    if (before === 'free') return become('reserved', { kind: 'reserve', agentId, resources: reserved })
    if (before === 'volume')
      return become('reserved', { kind: 'destroy-volumes', agentId, resources: volume(agentId) })
    return isMore
      ? become('volume', { kind: 'create-volumes', agentId, resources: volume(agentId) })
      : become('free', { kind: 'unreserve', agentId, resources: reserved })
  }

  #hold(chosen: string): OperatorCall {
    const held = this.#held
    if (held !== undefined) {
      this.#held = undefined
      return { kind: 'reactivate', agentId: held }
    }
    this.#held = chosen
    if (this.#chance.is(0.4)) return { kind: 'deactivate', agentId: chosen }
    return { kind: 'drain', agentId: chosen, graceMs: this.#chance.integer(0, 30_000) }
  }
}
