import type { Offer } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { defaultMasterSettings } from '../../../master/core/state.js'
import type { Fact, FactOf, Key } from '../world/facts.js'
import { Oracle } from './oracle.js'

/**
 * A role is never offered what would take it above its limit, together with what its tasks really hold: also by a new
 * leader, unless an agent has not come to that within its time.
 */
export class Limits extends Oracle {
  override readonly name = 'limits'
  /** By role: of cpus; undefined: none, or it is not known. */
  #limits = new Map<string, number | undefined>()
  #before: ReadonlyMap<string, number | undefined> = new Map()
  /** Of which the agent has lost the record: nobody can know that it runs. */
  readonly #lost = new Set<Key>()

  override see(fact: Fact): void {
    if (fact.kind === 'operator-asked') this.#asked(fact)
    else if (fact.kind === 'operator-answered') this.#answered(fact)
    else if (fact.kind === 'record-lost') this.#lost.add(fact.key)
    else if (fact.kind === 'leader-sent' && fact.envelope.kind === 'offers') {
      const { offers } = fact.envelope.body as { readonly offers: readonly Offer[] }
      // What is reserved for the role counts as held, and may be offered all the same.
      const limited = offers.filter(({ resources }) => resources['cpus'] !== undefined)
      for (const role of new Set(limited.map(offer => offer.role))) this.#offered(fact.epoch, role)
    }
  }

  #asked({ call }: FactOf<'operator-asked'>): void {
    this.#before = new Map(this.#limits)
    if (call.kind === 'reset-role') this.#limits.delete(call.role)
    if (call.kind === 'set-quotas') for (const { role } of call.quotas) this.#limits.delete(role)
  }

  #answered({ call, reply }: FactOf<'operator-answered'>): void {
    if (reply && !reply.ok && reply.code !== 'registry-unavailable') this.#limits = new Map(this.#before)
    if (!reply?.ok || call.kind !== 'set-quotas') return
    for (const { role, limit } of call.quotas) this.#limits.set(role, limit?.['cpus'])
  }

  #offered(epoch: number, role: string): void {
    const limit = this.#limits.get(role)
    const leader = this.world.leaders()[0]
    const state = leader?.term?.epoch === epoch ? leader.term.core.state : undefined
    if (limit === undefined || !state) return
    const { electedAtMs } = state.leadership
    const isNew = leader && leader.clock.now() < electedAtMs + defaultMasterSettings.agentTimeoutMs
    const frameworks = new Set(
      this.world.batches.filter(batch => batch.role === role).map(({ frameworkId }) => frameworkId),
    )
    const isCounted = (agentId: string): boolean => {
      const known = state.agents.get(agentId)?.state
      return known === 'registered' || (known === 'recovering' && isNew === true)
    }
    const running = this.world.agents
      .filter(({ name }) => isCounted(name))
      .flatMap(({ host }) => host.running())
      .filter(({ key, frameworkId }) => frameworks.has(frameworkId) && !this.#lost.has(key))
    const offered = [...state.offers.values()].filter(each => each.offer.role === role)
    const amounts = [
      ...running.map(({ info }) => Resources.fromWire(info.resources)),
      ...offered.map(({ resources }) => resources),
    ]
    const held = amounts.reduce((sum, each) => sum + (each.quantities().get('cpus') ?? 0), 0)
    this.expect(held <= limit * 1_000, () => {
      const tasks = running.map(({ key, info }) => `${key} (${String(info.resources['cpus'])})`).join(', ')
      return `role ${role} may have ${limit} cpus, and with ${tasks || 'no tasks'} and its offers has ${held / 1_000}`
    })
  }
}
