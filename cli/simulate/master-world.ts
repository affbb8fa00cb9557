import { parseQuantities, quantitiesToWire, Resources } from '@tender/sdk/values'
import type { ConversionKind } from '../../master/core/conversion.js'
import { PlayedAgents } from './master/played-agents.js'
import { PlayedFrameworks } from './master/played-frameworks.js'
import { SimulatedMaster } from './master/simulated-master.js'
import { Skips } from './master/skips.js'
import type { ScenarioSettings } from './scenario-file.js'
import type { StepValue } from './steps.js'
import type { Whose, World, WorldEvent } from './world.js'

/** A cluster around the real master: agents and frameworks are played, by the messages that real ones send. */
export class MasterWorld implements World {
  readonly #master: SimulatedMaster
  readonly #agents: PlayedAgents
  readonly #frameworks: PlayedFrameworks
  readonly #skips: Skips | undefined
  #events: WorldEvent[] = []

  constructor(settings: ScenarioSettings, options: { readonly explain?: boolean } = {}) {
    this.#master = new SimulatedMaster(settings)
    this.#agents = new PlayedAgents(this.#master)
    this.#frameworks = new PlayedFrameworks(this.#master, event => this.#events.push(event))
    if (options.explain) this.#skips = new Skips(this.#master)
  }

  get nowMs(): number {
    return this.#master.nowMs
  }

  nextDueMs(): number | undefined {
    return this.#master.nextDueMs()
  }

  advanceTo(ms: number): void {
    this.#master.advanceTo(ms)
  }

  tickNow(): void {
    this.#master.step({ kind: 'allocate' })
  }

  // Agents

  setAgent(agent: StepValue<'agent'>): void {
    this.#agents.register(agent)
  }

  removeAgent(id: string): void {
    this.#master.operate({ kind: 'remove-agent', agentId: id, mayReturn: true })
    this.#agents.forget(id)
  }

  deactivateAgent(id: string): void {
    this.#master.operate({ kind: 'deactivate', agentId: id })
  }

  reactivateAgent(id: string): void {
    this.#master.operate({ kind: 'reactivate', agentId: id })
  }

  drain({ id, grace }: StepValue<'drain'>): void {
    this.#master.operate({ kind: 'drain', agentId: id, ...(grace === undefined ? {} : { graceMs: grace }) })
  }

  // Frameworks

  setFramework(framework: StepValue<'framework'>): void {
    this.#frameworks.set(framework)
  }

  deactivate(id: string): void {
    this.#frameworks.deactivate(id)
  }

  activate(id: string): void {
    this.#frameworks.activate(id)
  }

  removeFramework(id: string): void {
    this.#frameworks.remove(id)
  }

  accept(accept: StepValue<'accept'>): void {
    this.#frameworks.accept(accept)
  }

  decline(decline: StepValue<'decline'>): void {
    this.#frameworks.decline(decline)
  }

  release(release: StepValue<'release'>): void {
    const { resources } = release
    this.#agents.end({
      ...release,
      resources: resources === undefined ? undefined : Resources.parse(resources),
    })
  }

  revive(whose: StepValue<'revive'>): void {
    this.#frameworks.revive(whose)
  }

  suppress(whose: StepValue<'suppress'>): void {
    this.#frameworks.suppress(whose)
  }

  unsuppress(whose: StepValue<'unsuppress'>): void {
    this.#frameworks.unsuppress(whose)
  }

  clearFilters(whose: StepValue<'clearFilters'>): void {
    this.#frameworks.clearFilters(whose)
  }

  demand(demand: StepValue<'demand'>): void {
    this.#frameworks.demand(demand)
  }

  // Operators

  setWeight({ role, weight }: StepValue<'weight'>): void {
    this.#master.operate({ kind: 'set-weight', role, weight })
  }

  setQuota({ role, guarantee, limit, force }: StepValue<'quota'>): void {
    const quota = {
      role,
      ...(guarantee === undefined ? {} : { guarantee: amounts(guarantee) }),
      ...(limit === undefined ? {} : { limit: amounts(limit) }),
    }
    this.#master.operate({ kind: 'set-quotas', quotas: [quota], force })
  }

  reserve(step: StepValue<'reserve'>): void {
    this.#convert(step, 'reserve', 'reserve')
  }

  unreserve(step: StepValue<'unreserve'>): void {
    this.#convert(step, 'unreserve', 'unreserve')
  }

  createVolume(step: StepValue<'createVolume'>): void {
    this.#convert(step, 'create', 'create-volumes')
  }

  destroyVolume(step: StepValue<'destroyVolume'>): void {
    this.#convert(step, 'destroy', 'destroy-volumes')
  }

  setWhitelist(hostnames: StepValue<'whitelist'>): void {
    this.#master.operate({ kind: 'set-whitelist', ...(hostnames === 'all' ? {} : { hostnames }) })
  }

  maintain({ agents, start, duration }: StepValue<'maintenance'>): void {
    const unavailability = { startMs: start, ...(duration === undefined ? {} : { durationMs: duration }) }
    this.#master.operate({ kind: 'set-maintenance', agentIds: agents, unavailability })
  }

  /** By a framework with its offers, or by an operator. */
  #convert(
    { agent, resources, framework }: StepValue<'reserve'>,
    kind: ConversionKind,
    call: 'reserve' | 'unreserve' | 'create-volumes' | 'destroy-volumes',
  ): void {
    if (framework !== undefined) return this.#frameworks.operate(framework, agent, { kind, resources })
    this.#master.operate({ kind: call, agentId: agent, resources: Resources.parse(resources).toWire() })
  }

  // Questions

  takeEvents(): WorldEvent[] {
    const events = [...this.#events, ...(this.#skips?.take() ?? [])]
    this.#events = []
    return events
  }

  roleOrder(): readonly string[] {
    return this.#master.state.allocator.roleOrder()
  }

  frameworkOrder(role: string): readonly string[] {
    return this.#master.state.allocator.frameworkOrder(role)
  }

  share(role: string, framework?: string): number | undefined {
    const { allocator } = this.#master.state
    return framework === undefined ? allocator.roleShare(role) : allocator.frameworkShare(role, framework)
  }

  metric(name: string, labels: Readonly<Record<string, string>>): number | undefined {
    const wanted = Object.entries(labels)
    return this.#master.state.allocator
      .series()
      .find(
        each =>
          each.name === name &&
          Object.keys(each.labels).length === wanted.length &&
          wanted.every(([label, value]) => each.labels[label] === value),
      )?.value
  }

  explain(framework: string, role: string | undefined, agent: string): string {
    return this.#master.state.allocator.reason(this.nowMs, framework, role, agent)
  }

  free(agent: string | undefined): Resources {
    const { allocator, agents } = this.#master.state
    if (agent !== undefined) return allocator.free(agent)
    return Resources.sum([...agents.keys()].map(agentId => scalarsOf(allocator.free(agentId))))
  }

  offered(whose: Whose): Resources {
    return this.#held(whose).offered
  }

  allocated(whose: Whose): Resources {
    return this.#held(whose).allocated
  }

  #held({ agent, framework, role }: Whose): { readonly offered: Resources; readonly allocated: Resources } {
    return this.#master.state.allocator.held({
      ...(agent === undefined ? {} : { agentId: agent }),
      ...(framework === undefined ? {} : { frameworkId: framework }),
      ...(role === undefined ? {} : { role }),
    })
  }
}

function amounts(text: string): Record<string, number> {
  return quantitiesToWire(parseQuantities(text))
}

/** Over several agents only scalars can be added up: port 31000 of one is not that of another. */
function scalarsOf(resources: Resources): Resources {
  return Resources.of(
    [...resources.entries()].filter(([, { kind }]) => kind === 'scalar' || kind === 'pieces'),
  )
}
