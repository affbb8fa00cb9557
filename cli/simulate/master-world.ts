import { Resources } from '@tender/sdk/values'
import { PlayedAgents } from './master/played-agents.js'
import { PlayedFrameworks } from './master/played-frameworks.js'
import { SimulatedMaster } from './master/simulated-master.js'
import type { ScenarioSettings } from './scenario-file.js'
import type { StepValue } from './steps.js'
import type { Whose, World, WorldEvent } from './world.js'

/** A cluster around the real master: agents and frameworks are played, by the messages that real ones send. */
export class MasterWorld implements World {
  readonly #master: SimulatedMaster
  readonly #agents: PlayedAgents
  readonly #frameworks: PlayedFrameworks
  #events: WorldEvent[] = []

  constructor(settings: ScenarioSettings) {
    if (settings.allocateOnRelease === false) this.#notYet('allocateOnRelease: false')
    if (settings.minAllocatable !== undefined) this.#notYet('minAllocatable')
    if (settings.fairnessExcluded !== undefined) this.#notYet('fairnessExcluded')
    if (settings.demandAware === false) this.#notYet('demandAware: false')
    if (settings.sorter === 'random') this.#notYet('sorter: random')
    this.#master = new SimulatedMaster(settings)
    this.#agents = new PlayedAgents(this.#master)
    this.#frameworks = new PlayedFrameworks(this.#master, event => this.#events.push(event))
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
    this.#master.step({ kind: 'tick' })
  }

  // Agents

  setAgent(agent: StepValue<'agent'>): void {
    if (agent.domain) this.#notYet('domain')
    this.#agents.register(agent)
  }

  removeAgent(): void {
    this.#notYet('removeAgent')
  }

  deactivateAgent(): void {
    this.#notYet('deactivateAgent')
  }

  reactivateAgent(): void {
    this.#notYet('reactivateAgent')
  }

  drain(): void {
    this.#notYet('drain')
  }

  // Frameworks

  setFramework(framework: StepValue<'framework'>): void {
    if (framework.minAllocatable !== undefined) this.#notYet('minAllocatable')
    if (framework.offerConstraints !== undefined) this.#notYet('offerConstraints')
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
    if (accept.operations.length > 0) this.#notYet('operations')
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

  demand(): void {
    this.#notYet('demand')
  }

  // Operators

  setWeight(): void {
    this.#notYet('weight')
  }

  setQuota(): void {
    this.#notYet('quota')
  }

  reserve(): void {
    this.#notYet('reserve')
  }

  unreserve(): void {
    this.#notYet('unreserve')
  }

  createVolume(): void {
    this.#notYet('createVolume')
  }

  destroyVolume(): void {
    this.#notYet('destroyVolume')
  }

  setWhitelist(): void {
    this.#notYet('whitelist')
  }

  maintain(): void {
    this.#notYet('maintenance')
  }

  // Questions

  takeEvents(): WorldEvent[] {
    const events = this.#events
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

  #notYet(what: string): never {
    throw new Error(`not supported yet: ${what}`)
  }
}

/** Over several agents only scalars can be added up: port 31000 of one is not that of another. */
function scalarsOf(resources: Resources): Resources {
  return Resources.of([...resources.entries()].filter(([, value]) => value.kind === 'scalar'))
}
