import { isTerminal, type Offer, Resources, type Task, type TaskState, type TaskStatus } from '@tender/sdk'
import { SeededRandom } from '@tender/sdk/testing'
import {
  type Answer,
  type AppRecord,
  type AppState,
  type Command,
  type Expected,
  type Input,
  type InstanceRecord,
  ServiceCore,
  type Waiting,
  waitingOf,
  type Write,
} from '../../../../frameworks/service/core/index.js'
import { validateDefinition } from '../../../../frameworks/service/definition/index.js'

interface WorldAgent {
  readonly total: Resources
  readonly containerizers: ('docker' | 'process')[]
}

export interface WorldTask {
  readonly taskId: string
  readonly agentId: string
  readonly task: Task
  readonly resources: Resources
  state: TaskState
}

const roomy = 'cpus:8;mem:8192;disk:10000;ports:[31000-31099]'

/**
 * All around the core, as plain values: a leader with agents that runs what is accepted, a store that outlives the
 * core, and a clock that is moved by hand. Everything happens at once unless a test holds it back.
 */
export class World {
  nowMs = Date.parse('2026-01-01T00:00:00Z')
  core: ServiceCore
  readonly agents = new Map<string, WorldAgent>()
  readonly tasks = new Map<string, WorldTask>()
  readonly answers: Answer[] = []
  readonly commands: Command[] = []
  /** What a restarted core finds. */
  readonly storedApps = new Map<string, AppRecord>()
  readonly storedInstances = new Map<string, InstanceRecord>()
  /** Launched tasks stay STAGING. */
  holdsTasks = false
  /** Writes are not done until `release`. */
  holdsStore = false
  /** The replies to accepts are lost. */
  losesReplies = false
  /** So are the accepts. */
  losesAccepts = false
  /** The leader is new and waits for its agents: it says nothing of tasks. */
  isRecovering = false
  isSubscribed = false
  readonly #random = new SeededRandom(1)
  #wantsOffers = false
  #heldStores: Extract<Command, { kind: 'store' }>[] = []
  #inputs: Input[] = []
  #isStepping = false
  #offerCount = 0
  readonly #offers = new Map<string, Offer>()
  /** What the SDK goes on asking for, until the leader says something of it. */
  readonly #asked = new Set<string>()
  readonly #filters = new Map<string, { readonly resources: Resources; readonly untilMs: number }>()

  constructor(agents: Readonly<Record<string, string>> = { a1: roomy, a2: roomy, a3: roomy }) {
    for (const [agentId, resources] of Object.entries(agents)) this.addAgent(agentId, resources)
    this.core = this.#newCore()
    this.tell({ kind: 'recovered', apps: [], instances: [] })
    this.subscribe()
  }

  addAgent(
    agentId: string,
    resources = roomy,
    containerizers: WorldAgent['containerizers'] = ['docker', 'process'],
  ): void {
    this.agents.set(agentId, { total: Resources.parse(resources), containerizers })
    this.#offerAll()
  }

  // What people do.

  put(definition: Readonly<Record<string, unknown>>, expected?: Expected): Answer | undefined {
    const validated = validateDefinition(definition, '*')
    if (!validated.ok) throw new Error(JSON.stringify(validated.problems))
    const current = this.core.app(validated.definition.id)
    return this.#ask({
      kind: 'put-app',
      requestId: 0,
      definition: validated.definition,
      expected: expected ?? (current ? { version: current.record.version } : 'absent'),
    })
  }

  delete(appId: string): Answer | undefined {
    return this.#ask({ kind: 'delete-app', requestId: 0, appId })
  }

  // What happens to tasks.

  report(taskId: string, state: TaskState, more: Partial<TaskStatus> = {}): void {
    const task = this.tasks.get(taskId)
    if (task) task.state = state
    const agentId = task?.agentId ?? 'a1'
    this.tell({
      kind: 'update',
      status: {
        frameworkId: 'service',
        taskId,
        agentId,
        state,
        timestampMs: this.nowMs,
        source: 'agent',
        ...more,
      },
    })
    if (isTerminal(state)) this.#offerAll()
  }

  fail(taskId: string | undefined, message = 'exit code 1'): void {
    this.report(taskId ?? 'missing', 'FAILED', { message })
  }

  /** Lets the tasks run that were held. */
  runAll(): void {
    for (const task of this.live()) if (task.state === 'STAGING') this.report(task.taskId, 'RUNNING')
  }

  // What happens to the framework.

  advance(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + 100)
      this.tell({ kind: 'tick' })
      if (this.#asked.size > 0) this.#reconcile([...this.#asked].map(taskId => ({ taskId })))
      this.#offerAll()
    }
  }

  subscribe(): void {
    this.isSubscribed = true
    this.tell({ kind: 'subscribed' })
    this.#reconcile([])
  }

  disconnect(): void {
    this.isSubscribed = false
    this.#offers.clear()
    this.tell({ kind: 'disconnected', reason: 'no leader heard' })
  }

  /** The process ends at any moment, and another one starts with what is stored. */
  restart(): void {
    this.#inputs = []
    this.#heldStores = []
    this.#offers.clear()
    this.#asked.clear()
    this.#wantsOffers = false
    this.core = this.#newCore()
    this.tell({
      kind: 'recovered',
      apps: [...this.storedApps.values()],
      instances: [...this.storedInstances.values()],
    })
    this.subscribe()
  }

  /** The store answers again. */
  release(): void {
    // What comes meanwhile queues behind: writes stay in their order, as the journal keeps them.
    this.holdsStore = true
    for (let held = this.#heldStores.shift(); held; held = this.#heldStores.shift()) this.#store(held)
    this.holdsStore = false
  }

  // What tests look at.

  app(id: string): AppState {
    const state = this.core.app(id)
    if (!state) throw new Error(`there is no app ${id}`)
    return state
  }

  waiting(id: string): Waiting | undefined {
    return waitingOf(this.app(id), this.core.connection, this.nowMs)
  }

  live(): WorldTask[] {
    return [...this.tasks.values()].filter(task => !isTerminal(task.state))
  }

  running(): string[] {
    return this.live()
      .filter(task => task.state === 'RUNNING')
      .map(task => task.taskId)
  }

  sent<K extends Command['kind']>(kind: K): Extract<Command, { kind: K }>[] {
    return this.commands.filter((command): command is Extract<Command, { kind: K }> => command.kind === kind)
  }

  tell(input: Input): void {
    this.#inputs.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      for (const command of this.core.step(next, this.nowMs)) this.#perform(command)
    }
    this.#isStepping = false
  }

  #newCore(): ServiceCore {
    return new ServiceCore({ role: '*', nextId: () => this.#random.hex(12) })
  }

  #ask(input: Input): Answer | undefined {
    const before = this.answers.length
    this.tell(input)
    return this.answers[before]
  }

  #perform(command: Command): void {
    this.commands.push(command)
    switch (command.kind) {
      case 'store':
        if (this.holdsStore) this.#heldStores.push(command)
        else this.#store(command)
        return
      case 'accept':
        return this.#accept(command.offers, command.tasks)
      case 'decline':
        for (const offer of command.offers) {
          this.#offers.delete(offer.offerId)
          this.#filters.set(offer.agentId, {
            resources: offer.resources,
            untilMs: this.nowMs + command.refuseMs,
          })
        }
        return this.#offerAll()
      case 'kill':
        return this.#kill(command.taskId)
      case 'suppress':
        this.#wantsOffers = false
        return
      case 'revive':
        this.#wantsOffers = true
        this.#filters.clear()
        return this.#offerAll()
      case 'reconcile':
        return this.#reconcile(command.tasks)
      case 'answer':
        this.answers.push(command.answer)
        return
      case 'log':
        return
    }
  }

  #store({ commit, writes }: Extract<Command, { kind: 'store' }>): void {
    for (const write of writes) this.#write(write)
    this.tell({ kind: 'stored', commit })
  }

  #write(write: Write): void {
    if (write.kind === 'put-app') this.storedApps.set(write.app.id, write.app)
    else if (write.kind === 'remove-app') this.storedApps.delete(write.appId)
    else if (write.kind === 'put-instance') this.storedInstances.set(write.instance.taskId, write.instance)
    else this.storedInstances.delete(write.taskId)
  }

  #accept(offers: readonly Offer[], tasks: readonly Task[]): void {
    const taskIds = tasks.map(({ taskId }) => taskId)
    if (!offers.every(({ offerId }) => this.#offers.delete(offerId))) {
      this.tell({ kind: 'accept-failed', taskIds, code: 'invalid-offer', message: 'the offer has gone' })
      return
    }
    const { agentId } = offers[0] ?? { agentId: '' }
    if (this.losesAccepts) return this.#timeout(taskIds)
    for (const task of tasks) {
      if (this.tasks.has(task.taskId)) throw new Error(`task ${task.taskId} is launched twice`)
      const resources = typeof task.resources === 'string' ? Resources.parse(task.resources) : task.resources
      // Throws when more is taken than the agent has.
      this.#freeOf(agentId).minus(resources)
      this.tasks.set(task.taskId, { taskId: task.taskId, agentId, task, resources, state: 'STAGING' })
    }
    if (this.losesReplies) this.#timeout(taskIds)
    else this.tell({ kind: 'launched', results: taskIds.map(taskId => ({ taskId, ok: true })) })
    this.#filters.set(agentId, { resources: this.#freeOf(agentId), untilMs: this.nowMs + 5_000 })
    if (!this.holdsTasks) for (const taskId of taskIds) this.report(taskId, 'RUNNING')
  }

  /** As the SDK: the accept is given up, and its tasks are asked for. */
  #timeout(taskIds: readonly string[]): void {
    this.tell({ kind: 'accept-failed', taskIds, code: 'timeout', message: 'no answer' })
    for (const taskId of taskIds) this.#asked.add(taskId)
  }

  #kill(taskId: string): void {
    const task = this.tasks.get(taskId)
    if (!task || isTerminal(task.state) || task.state === 'UNREACHABLE') return
    this.report(taskId, 'KILLED', { reason: 'KILLED_BY_FRAMEWORK' })
  }

  /** Mesos' rule: what is known is told; what is not is GONE, since its agent is here. */
  #reconcile(tasks: readonly { taskId: string }[]): void {
    for (const { taskId } of tasks) this.#asked.add(taskId)
    if (this.isRecovering) return
    for (const { taskId } of tasks) this.#asked.delete(taskId)
    if (tasks.length === 0) for (const task of this.live()) this.report(task.taskId, task.state)
    for (const { taskId } of tasks) {
      this.report(taskId, this.tasks.get(taskId)?.state ?? 'GONE', { reason: 'RECONCILIATION' })
    }
  }

  /** To a framework that wants some: all that is free and not offered already. */
  #offerAll(): void {
    if (!this.#wantsOffers || !this.isSubscribed) return
    const offered = new Set([...this.#offers.values()].map(offer => offer.agentId))
    const offers = [...this.agents.keys()]
      .filter(agentId => !offered.has(agentId))
      .map(agentId => this.#offerOf(agentId))
      .filter(offer => !offer.resources.isEmpty && !this.#isFiltered(offer))
    for (const offer of offers) this.#offers.set(offer.offerId, offer)
    if (offers.length > 0) this.tell({ kind: 'offers', offers })
  }

  /** Mesos' rule: not more than what was refused, and not too long ago. */
  #isFiltered({ agentId, resources }: Offer): boolean {
    const filter = this.#filters.get(agentId)
    return filter !== undefined && this.nowMs < filter.untilMs && filter.resources.contains(resources)
  }

  #offerOf(agentId: string): Offer {
    return {
      offerId: `offer-${++this.#offerCount}`,
      frameworkId: 'service',
      role: '*',
      agentId,
      hostname: `${agentId}.example`,
      resources: this.#freeOf(agentId),
      attributes: {},
      containerizers: this.agents.get(agentId)?.containerizers ?? [],
      madeAtMs: this.nowMs,
    }
  }

  #freeOf(agentId: string): Resources {
    const used = this.live().filter(task => task.agentId === agentId)
    const total = this.agents.get(agentId)?.total ?? Resources.none
    return total.minus(Resources.sum(used.map(task => task.resources)))
  }
}
