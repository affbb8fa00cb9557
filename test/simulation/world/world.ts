import { AgentProcess } from '../processes/agent-process.js'
import { BatchProcess } from '../processes/batch-process.js'
import { MasterProcess } from '../processes/master-process.js'
import { ServiceProcess } from '../processes/service-process.js'
import type { Plan, Settings } from '../plan/plan.js'
import { Bucket } from './bucket.js'
import { Chance } from './chance.js'
import { Codec } from './codec.js'
import type { Fact } from './facts.js'
import { Network } from './network.js'
import type { SimulatedProcess } from './process.js'
import { PromiseBroken } from './promise-broken.js'
import { Store } from './store.js'
import { Timeline } from './timeline.js'

/** A whole cluster, and all that is around it. */
export class World {
  readonly seed: number
  readonly plan: Plan
  readonly settings: Settings
  readonly timeline = new Timeline()
  readonly network: Network
  readonly store: Store
  readonly registry = new Bucket('registry')
  readonly lease: Bucket
  readonly codec: Codec
  readonly masters: readonly MasterProcess[]
  readonly agents: readonly AgentProcess[]
  readonly services: readonly ServiceProcess[]
  /** Not started unless somebody does it by mistake. */
  readonly secondService: ServiceProcess | undefined
  readonly batches: readonly BatchProcess[]
  readonly processes: ReadonlyMap<string, SimulatedProcess>
  isHealed = false
  /** What has happened, for people; kept only where somebody will read it. */
  readonly lines: string[] | undefined
  readonly #watchers: ((fact: Fact) => void)[] = []
  readonly #supervision: Chance

  constructor(plan: Plan, options: { readonly isTraced?: boolean } = {}) {
    this.seed = plan.seed
    this.plan = plan
    this.settings = plan.settings
    this.lines = options.isTraced ? [] : undefined
    this.network = new Network(this.timeline, new Chance(plan.seed, 'network'))
    this.store = new Store(this.timeline, this.network, new Chance(plan.seed, 'store'))
    this.#supervision = new Chance(plan.seed, 'supervision')
    this.lease = new Bucket('leader', plan.settings.leaseMs)
    this.codec = new Codec(plan.settings.isCodecReal)
    this.masters = plan.masters.map(name => new MasterProcess(this, name))
    this.agents = plan.agents.map(info => new AgentProcess(this, info))
    this.services = plan.apps.length > 0 ? [new ServiceProcess(this, 'service', 'service')] : []
    const [service] = this.services
    this.secondService = service && new ServiceProcess(this, 'second service', 'service', service.bucket)
    this.batches = plan.batches.map(batch => new BatchProcess(this, batch))
    this.processes = new Map(
      [...this.masters, ...this.agents, ...this.services, ...this.batches].map(each => [each.name, each]),
    )
  }

  watch(watcher: (fact: Fact) => void): void {
    this.#watchers.push(watcher)
  }

  tell(fact: Fact): void {
    for (const watcher of this.#watchers) watcher(fact)
  }

  trace(who: string, text: string): void {
    this.lines?.push(`${timeText(this.timeline.now)} ${who} ${text}`)
  }

  /** A step of a real core: it must never throw, whatever it is told. */
  calling<T>(who: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      throw new PromiseBroken('keeps-working', `a core of ${who} has thrown: ${text}`, { cause: error })
    }
  }

  /** Starts a process again some time after it has ended. */
  supervise(process: SimulatedProcess): void {
    if (process === this.secondService) return
    this.timeline.after(this.#supervision.integer(200, 8_000), () => process.start())
  }

  /** Whoever believes to lead, the newest first. */
  leaders(): MasterProcess[] {
    return this.masters
      .filter(master => master.term)
      .toSorted((a, b) => (b.term?.epoch ?? 0) - (a.term?.epoch ?? 0))
  }
}

function timeText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return `${String(minutes).padStart(2, '0')}:${((ms % 60_000) / 1_000).toFixed(3).padStart(6, '0')}`
}
