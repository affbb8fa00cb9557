import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, type Offer, type Scheduler, type SchedulerOptions, type TaskStatus } from '@tender/sdk'
import type { FrameworkInfo, InverseOffer } from '@tender/sdk/protocol'
import { connectNats, type KeyValueStore, NatsStore } from '@tender/sdk/runtime'
import { Resources, type WireResources } from '@tender/sdk/values'
import type { AgentView, Explanation, FrameworkView, RoleView, TaskView } from '../../master/core/view.js'
import { type CommandResult, eventually, tender } from './dev-cluster.js'
import { TestNats } from './nats.js'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const patienceMs = 15_000

export interface HttpAnswer {
  readonly status: number
  // What a test looks into is up to the test.
  readonly body: any
}

/**
 * A cluster as in production: a nats-server of its own, each master and each agent a process of its own. What goes on in it is
 * seen as a user sees it: through the web endpoint, the command and the SDK.
 */
export class RunningCluster {
  readonly #nats: TestNats
  readonly #directory: string
  readonly #masters: Part[] = []
  readonly #agents = new Map<string, { readonly part: Part; readonly flags: readonly string[] }>()
  readonly #frameworks: RunningFramework[] = []

  private constructor(nats: TestNats, directory: string) {
    this.#nats = nats
    this.#directory = directory
  }

  /** @param agents by id: `--resources`, and more flags after it */
  static async start(
    agents: Readonly<Record<string, string | readonly [resources: string, ...flags: string[]]>>,
    options: { readonly standby?: boolean } = {},
  ): Promise<RunningCluster> {
    const nats = await TestNats.create()
    const cluster = new RunningCluster(nats, await mkdtemp(join(tmpdir(), 'tender-running-')))
    try {
      const leads = cluster.#startMaster().says('elected leader')
      for (const [id, told] of Object.entries(agents)) {
        const [resources, ...flags] = [told].flat()
        cluster.startAgent(id, ['--resources', resources ?? '', ...flags])
      }
      await leads
      if (options.standby === true) await cluster.#startMaster().says('master answers at')
      await Promise.all(Object.keys(agents).map(id => cluster.agentIs(id, 'registered')))
      return cluster
    } catch (error) {
      await cluster.dispose()
      throw error
    }
  }

  /** Of the leader. */
  get url(): string {
    const leader = this.#masters.findLast(each => each.hasSaid('elected leader'))
    return /master answers at (http:\/\/[\w.:]+)/.exec(leader?.output ?? '')?.[1] ?? 'http://nobody.invalid'
  }

  /** As a crash does; resolves when the standby leads, and all agents are registered with it. */
  async killLeader(): Promise<void> {
    const leader = this.#masters.findLast(each => each.hasSaid('elected leader'))
    const standby = this.#masters.find(each => each.isAlive && each !== leader)
    if (!leader || !standby) throw new Error('there is no leader, or no standby')
    await leader.kill()
    await standby.says('elected leader')
    await Promise.all([...this.#agents.keys()].map(id => this.agentIs(id, 'registered')))
  }

  /** A master that stands by. */
  async startStandby(): Promise<void> {
    await this.#startMaster().says('master answers at')
  }

  /** Whether the leader's log has this. */
  leaderHasSaid(text: string): boolean {
    return this.#masters.findLast(each => each.hasSaid('elected leader'))?.hasSaid(text) ?? false
  }

  /** What masters keep; for what only a damaged disk does. */
  async withRegistry<T>(use: (store: KeyValueStore) => Promise<T>): Promise<T> {
    const connection = await connectNats(this.#nats.url, 'test')
    try {
      return await use(await NatsStore.open(connection, { bucket: 'tender-default-registry' }))
    } finally {
      await connection.close()
    }
  }

  startAgent(id: string, flags = this.#agents.get(id)?.flags ?? []): void {
    const workDir = join(this.#directory, id)
    const fixed = ['--work-dir', workDir, '--agent-id', id, '--hostname', `${id}.test`, '--stop-tasks']
    const args = ['agent', '--nats', this.#nats.url, ...fixed, '--containerizers', 'process', ...flags]
    this.#agents.set(id, { part: new Part(args), flags })
  }

  /** The process is gone; tasks run on. */
  async killAgent(id: string): Promise<void> {
    await this.#agents.get(id)?.part.kill()
  }

  async agentIs(id: string, state: AgentView['state']): Promise<AgentView> {
    const ask = async () => (await this.ask(`GET /agents/${id}`)).body as AgentView
    return await eventually(patienceMs, ask, agent => agent.state === state)
  }

  /** A framework in role `*` that has subscribed; it answers nothing by itself. */
  async framework(frameworkId: string, options: FrameworkOptions = {}): Promise<RunningFramework> {
    const framework = await RunningFramework.connect(this.#nats.url, frameworkId, options)
    this.#frameworks.push(framework)
    return framework
  }

  /** One request such as `PUT /quota/web` to the leader's API. */
  async ask(what: string, body?: unknown): Promise<HttpAnswer> {
    const [method = 'GET', path = ''] = what.split(' ')
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }

  async roles(): Promise<ReadonlyMap<string, RoleView>> {
    const { body } = await this.ask('GET /roles')
    return new Map((body as RoleView[]).map(role => [role.role, role]))
  }

  async frameworkView(frameworkId: string): Promise<FrameworkView> {
    return (await this.ask(`GET /frameworks/${frameworkId}`)).body as FrameworkView
  }

  async task(taskId: string): Promise<TaskView> {
    return (await this.ask(`GET /tasks/${taskId}`)).body as TaskView
  }

  async metrics(): Promise<readonly string[]> {
    return (await (await fetch(`${this.url}/metrics`)).text()).split('\n')
  }

  /** What an agent has, and how it is reserved. */
  async total(agentId: string): Promise<string> {
    return textOf(((await this.ask(`GET /agents/${agentId}`)).body as AgentView).resources)
  }

  /** By agent: why a framework has no more offers in its role. */
  async reasons(frameworkId: string): Promise<Record<string, string>> {
    const { roles } = (await this.ask(`GET /explain?framework=${frameworkId}`)).body as Explanation
    return Object.fromEntries(roles.flatMap(({ agents }) => agents.map(each => [each.agentId, each.reason])))
  }

  /** `tender …` as an operator. */
  async tender(...words: string[]): Promise<CommandResult> {
    return await tender([...words, '--master', this.url], { cwd: this.#directory })
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#frameworks.map(framework => framework.scheduler.close()))
    await Promise.all([...this.#agents.values()].map(({ part }) => part.stop()))
    await Promise.all(this.#masters.map(master => master.kill()))
    await this.#nats.dispose()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #startMaster(): Part {
    const master = new Part(['master', '--nats', this.#nats.url, '--port', '0'])
    this.#masters.push(master)
    return master
  }
}

export type FrameworkOptions = Partial<Omit<FrameworkInfo, 'frameworkId'>> &
  Pick<SchedulerOptions, 'demands' | 'offerConstraints' | 'suppressedRoles'>

/** A scheduler of the SDK that writes down what it is told, and answers what the test says. */
export class RunningFramework {
  readonly frameworkId: string
  scheduler!: Scheduler
  /** Got, and neither taken by the test nor rescinded; oldest first. */
  offers: readonly Offer[] = []
  readonly updates: TaskStatus[] = []
  readonly inverseOffers: InverseOffer[] = []
  readonly inverseOffersRescinded: string[] = []
  subscriptions = 0
  readonly #news = new EventEmitter().setMaxListeners(100)

  private constructor(frameworkId: string) {
    this.frameworkId = frameworkId
  }

  static async connect(
    nats: string,
    frameworkId: string,
    { demands, offerConstraints, suppressedRoles, ...info }: FrameworkOptions,
  ): Promise<RunningFramework> {
    const self = new RunningFramework(frameworkId)
    const tell = () => self.#news.emit('news')
    self.scheduler = await connect({
      nats,
      framework: { frameworkId, name: frameworkId, roles: ['*'], ...info },
      ...(demands ? { demands } : {}),
      ...(offerConstraints ? { offerConstraints } : {}),
      ...(suppressedRoles ? { suppressedRoles } : {}),
      subscribed: () => {
        self.subscriptions += 1
        tell()
      },
      offers: offers => {
        self.offers = [...self.offers, ...offers]
        tell()
      },
      rescinded: offerIds => {
        self.offers = self.offers.filter(({ offerId }) => !offerIds.includes(offerId))
        tell()
      },
      inverseOffers: inverseOffers => {
        self.inverseOffers.push(...inverseOffers)
        tell()
      },
      inverseOffersRescinded: ids => {
        self.inverseOffersRescinded.push(...ids)
        tell()
      },
      update: status => {
        self.updates.push(status)
        tell()
      },
    })
    return self
  }

  /** What it holds by agent, as text; several offers of one agent are added up. */
  get offered(): Record<string, string> {
    const byAgent = new Map<string, Resources>()
    for (const { agentId, resources } of this.offers)
      byAgent.set(agentId, (byAgent.get(agentId) ?? Resources.none).plus(resources))
    return Object.fromEntries(
      [...byAgent].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, all]) => [id, String(all)]),
    )
  }

  /** Resolves when it holds exactly these offers, by agent; `''` for whatever resources. */
  async holds(expected: Readonly<Record<string, string>>): Promise<void> {
    const wanted = Object.entries(expected).map(([id, text]) => [id, text && String(Resources.parse(text))])
    await this.until(`offers ${JSON.stringify(expected)}`, () => {
      const { offered } = this
      return (
        Object.keys(offered).length === wanted.length &&
        wanted.every(([id = '', text]) => offered[id] !== undefined && (text === '' || offered[id] === text))
      )
    })
  }

  /** Takes the offers of an agent, or of all, to be answered. */
  take(agentId?: string): Offer[] {
    const isMeant = (offer: Offer) => agentId === undefined || offer.agentId === agentId
    const taken = this.offers.filter(isMeant)
    if (taken.length === 0) throw new Error(`${this.frameworkId} holds no offer of ${agentId ?? 'any agent'}`)
    this.offers = this.offers.filter(offer => !isMeant(offer))
    return taken
  }

  /** Launches tasks that do not end by themselves, on the offers of one agent, and waits until they run. */
  async launch(agentId: string, resources: string, ...taskIds: readonly string[]): Promise<void> {
    const tasks = taskIds.map(taskId => ({ taskId, resources, shell: 'exec sleep 1000', killGraceMs: 1_000 }))
    const results = await this.scheduler.accept(this.take(agentId), tasks, { refuseMs: 0 })
    const refused = results.find(result => !result.ok)
    if (refused) throw new Error(JSON.stringify(refused))
    await Promise.all(taskIds.map(taskId => this.hears(taskId, 'RUNNING')))
  }

  async hears(taskId: string, state: TaskStatus['state']): Promise<TaskStatus> {
    const found = () => this.updates.findLast(each => each.taskId === taskId && each.state === state)
    return await this.until(`${taskId} is ${state}`, found)
  }

  /** Looks again whenever something has come. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const deadline = AbortSignal.timeout(patienceMs)
    for (;;) {
      const found = look()
      if (found !== undefined && found !== false) return found
      await once(this.#news, 'news', { signal: deadline }).catch(() => {
        const { frameworkId, offered, updates } = this
        const states = updates.map(({ taskId, state }) => `${taskId} ${state}`)
        throw new Error(`${frameworkId}: no ${what}; it has ${JSON.stringify({ offered, states })}`)
      })
    }
  }
}

/** A part of the cluster as a process of its own, which ends with this one. */
class Part {
  readonly #process: ChildProcess
  output = ''

  constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, [main, ...args, '--log-format', 'json', '--stop-with-stdin'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (data: Buffer) => (this.output += String(data)))
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  hasSaid(text: string): boolean {
    return this.output.includes(text)
  }

  async says(text: string): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs)
    while (!this.hasSaid(text)) {
      if (!this.isAlive) throw new Error(`it ended before it said '${text}': ${this.output}`)
      await once(this.#process.stdout as NodeJS.EventEmitter, 'data', { signal: deadline }).catch(() => {
        throw new Error(`it has not said '${text}': ${this.output}`)
      })
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isAlive) return
    const ended = once(this.#process, 'exit')
    this.#process.kill(signal)
    await ended
  }
}

/** Resources of the API, as text. */
export function textOf(resources: WireResources): string {
  return String(Resources.fromWire(resources))
}
