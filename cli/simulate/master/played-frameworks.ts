import {
  type Envelope,
  type FrameworkInfo,
  type frameworkToLeader,
  type leaderToFramework,
  LinkEnd,
  type MessageOf,
  type Reply,
} from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import type { OfferRecord } from '../../../master/core/state.js'
import type { StepValue } from '../steps.js'
import { type OfferEvent, StepRefused, type WorldEvent } from '../world.js'
import { type OfferGroup, planLaunches, restOf } from './launch-plan.js'
import type { SimulatedMaster } from './simulated-master.js'

interface PlayedFramework {
  readonly info: FrameworkInfo
  readonly link: LinkEnd
  suppressed: ReadonlySet<string>
  isConnected: boolean
}

/** Longer than any scenario: a framework goes when it is removed. */
const failoverTimeoutMs = 1e15
/** What the master takes when a decline names no time. */
const defaultRefuseMs = 5_000

/** The frameworks of a simulation, as the master sees them: they do what the steps say. */
export class PlayedFrameworks {
  readonly #master: SimulatedMaster
  readonly #happened: (event: WorldEvent) => void
  readonly #frameworks = new Map<string, PlayedFramework>()
  readonly #replies = new Map<string, Reply>()
  /** As they were made, also those that have gone. */
  readonly #offers = new Map<string, OfferEvent>()
  #sessions = 0
  #calls = 0
  #tasks = 0

  constructor(master: SimulatedMaster, happened: (event: WorldEvent) => void) {
    this.#master = master
    this.#happened = happened
    master.onMessage('framework', (id, envelope) => this.#receive(id, envelope))
  }

  set({ id, roles, suppressed, active, capabilities }: StepValue<'framework'>): void {
    const info: FrameworkInfo = {
      frameworkId: id,
      name: id,
      roles: [...roles],
      capabilities: [...capabilities],
      failoverTimeoutMs,
    }
    const known = this.#frameworks.get(id)
    const link = known?.isConnected ? known.link : this.#newLink(id)
    const framework = { info, link, suppressed: new Set(suppressed), isConnected: true }
    if (active) return this.#subscribe(framework, framework.suppressed)
    // Known, and never offered anything: it comes for no role, and goes.
    this.#subscribe(framework, new Set(roles))
    this.deactivate(id)
  }

  deactivate(id: string): void {
    const framework = this.#framework(id)
    if (!framework.isConnected) return
    this.#send(framework, 'unsubscribe', {})
    framework.isConnected = false
  }

  activate(id: string): void {
    const framework = this.#framework(id)
    if (framework.isConnected) return
    this.#subscribe({ ...framework, link: this.#newLink(id), isConnected: true }, framework.suppressed)
  }

  remove(id: string): void {
    const framework = this.#framework(id)
    if (!framework.isConnected) {
      // Only a framework that is there can be torn down: it comes back for no role.
      this.#subscribe(
        { ...framework, link: this.#newLink(id), isConnected: true },
        new Set(framework.info.roles),
      )
    }
    this.#call(this.#connected(id), 'teardown', {})
    this.#frameworks.delete(id)
  }

  accept({ framework, offers, role, launch, refuse }: StepValue<'accept'>): void {
    const groups = this.#groups({ framework, offers, role })
    if (groups.length === 0) {
      throw new StepRefused('invalid-offer', `framework ${framework} has no standing offer to accept`)
    }
    const plans = planLaunches(groups, launch)
    for (const { tasks } of plans) {
      for (const { task } of tasks) if (task !== undefined) this.#checkNewTask(framework, task)
    }
    for (const { group, tasks } of plans) this.#acceptGroup(framework, group, tasks, refuse)
  }

  decline({ framework, offers, role, resources, refuse }: StepValue<'decline'>): void {
    const groups = this.#groups({ framework, offers, role })
    if (groups.length === 0) return
    if (resources !== undefined) {
      const plan = restOf(groups, Resources.parse(resources))
      return this.#acceptGroup(framework, plan.group, plan.tasks, refuse)
    }
    const offerIds = groups.flatMap(group => group.offers.map(({ offer }) => offer.offerId))
    this.#call(this.#connected(framework), 'decline', { offerIds, ...filterOf(refuse) })
    this.#wakeAfter(refuse)
  }

  suppress({ framework: id, roles }: StepValue<'suppress'>): void {
    const framework = this.#connected(id)
    this.#call(framework, 'suppress', roles ? { roles } : {})
    framework.suppressed = new Set([...framework.suppressed, ...(roles ?? framework.info.roles)])
  }

  unsuppress(whose: StepValue<'unsuppress'>): void {
    this.#unsuppress('unsuppress', whose)
  }

  revive(whose: StepValue<'revive'>): void {
    this.#unsuppress('revive', whose)
  }

  clearFilters({ framework, roles }: StepValue<'clearFilters'>): void {
    this.#call(this.#connected(framework), 'clear-filters', roles ? { roles } : {})
  }

  #unsuppress(kind: 'revive' | 'unsuppress', { framework: id, roles }: StepValue<'revive'>): void {
    const framework = this.#connected(id)
    // Offers come before the answer does: what is remembered is not needed for them.
    this.#call(framework, kind, roles ? { roles } : {})
    const ended = roles ?? framework.info.roles
    framework.suppressed = new Set([...framework.suppressed].filter(role => !ended.includes(role)))
  }

  #subscribe(framework: PlayedFramework, suppressed: ReadonlySet<string>): void {
    const { frameworkId } = framework.info
    const before = this.#frameworks.get(frameworkId)
    this.#frameworks.set(frameworkId, framework)
    try {
      this.#call(framework, 'subscribe', {
        framework: framework.info,
        suppressedRoles: [...suppressed],
        startedAtMs: this.#master.nowMs,
        received: { session: '', sequence: 0 },
      })
    } catch (error) {
      if (before) this.#frameworks.set(frameworkId, before)
      else this.#frameworks.delete(frameworkId)
      throw error
    }
  }

  /** Its standing offers, those of one agent and role together. @throws StepRefused when a named agent has none */
  #groups(of: {
    framework: string
    offers: readonly string[] | undefined
    role: string | undefined
  }): OfferGroup[] {
    this.#connected(of.framework)
    const standing = [...this.#master.state.offers.values()].filter(
      ({ offer }) =>
        offer.frameworkId === of.framework &&
        (of.role ?? offer.role) === offer.role &&
        (of.offers?.includes(offer.agentId) ?? true),
    )
    const without = of.offers?.find(agent => !standing.some(({ offer }) => offer.agentId === agent))
    if (without !== undefined) {
      const role = of.role === undefined ? '' : ` in role ${of.role}`
      const problem = `framework ${of.framework} has no standing offer of agent ${without}${role}`
      throw new StepRefused('invalid-offer', problem)
    }
    const groups = new Map<string, OfferRecord[]>()
    for (const record of standing) {
      const key = `${record.offer.agentId} ${record.offer.role}`
      groups.set(key, [...(groups.get(key) ?? []), record])
    }
    return [...groups.values()].map(offers => ({
      agent: offers[0]?.offer.agentId ?? '',
      role: offers[0]?.offer.role ?? '',
      offers,
      resources: Resources.sum(offers.map(({ resources }) => resources)),
    }))
  }

  #acceptGroup(
    framework: string,
    group: OfferGroup,
    tasks: readonly { readonly task: string | undefined; readonly resources: Resources }[],
    refuse: number | undefined,
  ): void {
    const infos = tasks.map(({ task, resources }) => ({
      taskId: task ?? this.#newTaskId(framework),
      resources: resources.toWire(),
      shell: 'true',
    }))
    this.#call(this.#connected(framework), 'accept', {
      offerIds: group.offers.map(({ offer }) => offer.offerId),
      operations: infos.length === 0 ? [] : [{ kind: 'launch', tasks: infos }],
      ...filterOf(refuse),
    })
    this.#wakeAfter(refuse)
  }

  #newTaskId(framework: string): string {
    for (;;) {
      const taskId = `task-${++this.#tasks}`
      if (!this.#isKnownTask(framework, taskId)) return taskId
    }
  }

  #checkNewTask(framework: string, taskId: string): void {
    if (this.#isKnownTask(framework, taskId)) {
      throw new StepRefused(
        'duplicate-task',
        `a task id is used once; framework ${framework} has used ${taskId}`,
      )
    }
  }

  #isKnownTask(framework: string, taskId: string): boolean {
    const { tasks, endedTasks } = this.#master.state
    return tasks.has(`${framework}/${taskId}`) || endedTasks.has(`${framework}/${taskId}`)
  }

  #wakeAfter(refuse: number | undefined): void {
    this.#master.wakeAt(this.#master.nowMs + (refuse ?? defaultRefuseMs))
  }

  #framework(id: string): PlayedFramework {
    const framework = this.#frameworks.get(id)
    if (!framework) throw new StepRefused('not-subscribed', `framework ${id} has not subscribed`)
    return framework
  }

  #connected(id: string): PlayedFramework {
    const framework = this.#framework(id)
    if (!framework.isConnected) throw new StepRefused('not-subscribed', `framework ${id} is not connected`)
    return framework
  }

  #newLink(id: string): LinkEnd {
    return new LinkEnd(`${id}-${++this.#sessions}`)
  }

  /** @throws StepRefused as the master answers */
  #call(framework: PlayedFramework, kind: keyof typeof frameworkToLeader, body: object): void {
    const call = `c${++this.#calls}`
    this.#send(framework, kind, body, call)
    const reply = this.#replies.get(call)
    this.#replies.delete(call)
    if (reply?.ok) return
    throw new StepRefused(reply?.code ?? 'timeout', reply?.message ?? `${kind} was not answered`)
  }

  #send(
    { info, link }: PlayedFramework,
    kind: keyof typeof frameworkToLeader,
    body: object,
    call?: string,
  ): void {
    const envelope = link.wrap(kind, body, this.#master.epoch, call === undefined ? {} : { call })
    const message = envelope as MessageOf<typeof frameworkToLeader>
    this.#master.step({ kind: 'framework-message', frameworkId: info.frameworkId, message })
  }

  #receive(id: string, envelope: Envelope): void {
    const message = envelope as MessageOf<typeof leaderToFramework>
    switch (message.kind) {
      case 'reply':
        if (message.call !== undefined) this.#replies.set(message.call, message.body)
        return
      case 'offers':
        for (const { offerId, role, agentId, resources } of message.body.offers) {
          const event: OfferEvent = {
            kind: 'offer',
            atMs: this.#master.nowMs,
            offerId,
            framework: id,
            role,
            agent: agentId,
            resources: Resources.fromWire(resources),
          }
          this.#offers.set(offerId, event)
          this.#happened(event)
        }
        return
      case 'rescind':
        for (const offerId of message.body.offerIds) {
          const offer = this.#offers.get(offerId)
          if (offer) this.#happened({ ...offer, kind: 'rescind', atMs: this.#master.nowMs })
        }
        return
      case 'failed':
        throw new Error(`framework ${id} has failed: ${message.body.message}`)
      case 'resynchronise':
        throw new Error(`framework ${id} is out of step: ${message.body.reason}`)
      case 'update':
        return
    }
  }
}

function filterOf(refuse: number | undefined): { filter?: { refuseMs: number } } {
  return refuse === undefined ? {} : { filter: { refuseMs: refuse } }
}
