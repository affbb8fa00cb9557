import {
  type Envelope,
  type FrameworkInfo,
  type frameworkToLeader,
  type leaderToFramework,
  LinkEnd,
  type MessageOf,
  type OfferConstraints,
  type Reply,
} from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { conversionOf, type ConversionKind } from '../../../master/core/conversion.js'
import type { OfferRecord } from '../../../master/core/state.js'
import type { StepValue } from '../steps.js'
import { type OfferEvent, StepRefused, type WorldEvent } from '../world.js'
import { type AcceptPlan, type OfferGroup, planAccept, restOf } from './accept-plan.js'
import { groupsToWire, offerConstraintsOf } from './constraints-to-wire.js'
import type { SimulatedMaster } from './simulated-master.js'

interface PlayedFramework {
  readonly info: FrameworkInfo
  readonly link: LinkEnd
  suppressed: ReadonlySet<string>
  readonly offerConstraints: OfferConstraints
  isConnected: boolean
}

/** Longer than any scenario: a framework goes when it is removed. */
const failoverTimeoutMs = 1e15

/** The frameworks of a simulation, as the master sees them: they do what the steps say. */
export class PlayedFrameworks {
  readonly #master: SimulatedMaster
  readonly #happened: (event: WorldEvent) => void
  readonly #frameworks = new Map<string, PlayedFramework>()
  /** Calls that were made, and their answers. */
  readonly #open = new Map<string, string>()
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

  set(step: StepValue<'framework'>): void {
    const { id, roles, suppressed, active, capabilities, minAllocatable } = step
    const info: FrameworkInfo = {
      frameworkId: id,
      name: id,
      roles: [...roles],
      capabilities: [...capabilities],
      ...(minAllocatable === undefined ? {} : { minAllocatable }),
      failoverTimeoutMs,
    }
    const known = this.#frameworks.get(id)
    const link = known?.isConnected ? known.link : this.#newLink(id)
    const framework = {
      info,
      link,
      suppressed: new Set(suppressed),
      offerConstraints: offerConstraintsOf(step.offerConstraints, roles),
      isConnected: true,
    }
    // Known, and not there: it comes and goes in one moment, so that it is offered nothing.
    this.#master.together(() => {
      if (known?.isConnected) this.#update(framework)
      else this.#subscribe(framework)
      if (!active) this.deactivate(id)
    })
    this.#settled(id, known)
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
    this.#master.together(() => this.#subscribe({ ...framework, link: this.#newLink(id), isConnected: true }))
    this.#settled(id, framework)
  }

  remove(id: string): void {
    const framework = this.#framework(id)
    this.#master.together(() => {
      // Only a framework that is there can be torn down.
      if (!framework.isConnected)
        this.#subscribe({ ...framework, link: this.#newLink(id), isConnected: true })
      this.#call(this.#connected(id), 'teardown', {})
    })
    this.#frameworks.delete(id)
    this.#checkReplies()
  }

  accept({ framework, offers, role, operations, launch, refuse }: StepValue<'accept'>): void {
    const groups = this.#groups({ framework, offers, role })
    if (groups.length === 0) {
      throw new StepRefused('invalid-offer', `framework ${framework} has no standing offer to accept`)
    }
    const plans = planAccept(groups, operations, launch)
    for (const { tasks } of plans) {
      for (const { task } of tasks) if (task !== undefined) this.#checkNewTask(framework, task)
    }
    this.#master.together(() => {
      for (const plan of plans) this.#acceptGroup(framework, plan, refuse)
    })
    this.#checkReplies()
  }

  /** What a framework does with the offers of one agent that hold what the operation needs, and nothing else. */
  operate(framework: string, agent: string, operation: { kind: ConversionKind; resources: string }): void {
    const groups = this.#groups({ framework, offers: [agent], role: undefined })
    const { from } = conversionOf(operation.kind, Resources.parse(operation.resources).toWire())
    const group = groups.find(each => each.resources.contains(from)) ?? groups[0]
    if (!group)
      throw new StepRefused('invalid-offer', `framework ${framework} has no offer of agent ${agent}`)
    this.#acceptGroup(framework, { group, operations: [operation], tasks: [] }, 0)
    this.#checkReplies()
  }

  decline({ framework, offers, role, resources, refuse }: StepValue<'decline'>): void {
    const groups = this.#groups({ framework, offers, role })
    if (groups.length === 0) return
    if (resources !== undefined) {
      const plan = restOf(groups, Resources.parse(resources))
      this.#acceptGroup(framework, plan, refuse)
    } else {
      const offerIds = groups.flatMap(group => group.offers.map(({ offer }) => offer.offerId))
      this.#call(this.#connected(framework), 'decline', { offerIds, ...filterOf(refuse) })
    }
    this.#checkReplies()
  }

  demand({ framework, role, shapes }: StepValue<'demand'>): void {
    const wanted =
      shapes === 'none'
        ? {}
        : {
            shapes: shapes.map(({ count, resources, constraints }) => ({
              count,
              resources: Resources.parse(resources).toWire(),
              ...(constraints ? { constraints: groupsToWire(constraints) } : {}),
            })),
          }
    this.#call(this.#connected(framework), 'demand', { demands: [{ role, ...wanted }] })
    this.#checkReplies()
  }

  suppress({ framework: id, roles }: StepValue<'suppress'>): void {
    const framework = this.#connected(id)
    this.#call(framework, 'suppress', roles ? { roles } : {})
    this.#checkReplies()
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
    this.#checkReplies()
  }

  #unsuppress(kind: 'revive' | 'unsuppress', { framework: id, roles }: StepValue<'revive'>): void {
    const framework = this.#connected(id)
    this.#call(framework, kind, roles ? { roles } : {})
    this.#checkReplies()
    const ended = roles ?? framework.info.roles
    framework.suppressed = new Set([...framework.suppressed].filter(role => !ended.includes(role)))
  }

  #subscribe(framework: PlayedFramework): void {
    const { info, suppressed, offerConstraints } = framework
    const { frameworkId, roles } = info
    this.#frameworks.set(frameworkId, framework)
    const { allocator } = this.#master.state
    const demands = roles.flatMap(role => {
      const shapes = allocator.demand(frameworkId, role)
      return shapes ? [{ role, shapes }] : []
    })
    this.#call(framework, 'subscribe', {
      framework: info,
      suppressedRoles: [...suppressed],
      offerConstraints,
      demands,
      startedAtMs: this.#master.nowMs,
      received: { session: '', sequence: 0 },
    })
  }

  #update(framework: PlayedFramework): void {
    const { info, suppressed, offerConstraints } = framework
    this.#frameworks.set(info.frameworkId, framework)
    this.#call(framework, 'update', { framework: info, suppressedRoles: [...suppressed], offerConstraints })
  }

  /** @throws StepRefused when it was refused; then it is as before */
  #settled(id: string, before: PlayedFramework | undefined): void {
    try {
      this.#checkReplies()
    } catch (error) {
      if (before) this.#frameworks.set(id, before)
      else this.#frameworks.delete(id)
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
    { group, operations, tasks }: AcceptPlan,
    refuse: number | undefined,
  ): void {
    const infos = tasks.map(({ task, resources }) => ({
      taskId: task ?? this.#newTaskId(framework),
      resources: resources.toWire(),
      shell: 'true',
    }))
    this.#call(this.#connected(framework), 'accept', {
      offerIds: group.offers.map(({ offer }) => offer.offerId),
      operations: [
        ...operations.map(({ kind, resources }) => ({
          kind,
          resources: Resources.parse(resources).toWire(),
        })),
        ...(infos.length === 0 ? [] : [{ kind: 'launch', tasks: infos }]),
      ],
      allOrNothing: true,
      ...filterOf(refuse),
    })
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

  /** Answered when the master has settled: `checkReplies` follows. */
  #call(framework: PlayedFramework, kind: keyof typeof frameworkToLeader, body: object): void {
    const call = `c${++this.#calls}`
    this.#open.set(call, kind)
    this.#send(framework, kind, body, call)
  }

  /** @throws StepRefused as the master has answered */
  #checkReplies(): void {
    const calls = [...this.#open]
    const replies = new Map(this.#replies)
    this.#open.clear()
    this.#replies.clear()
    for (const [call, kind] of calls) {
      const reply = replies.get(call)
      if (!reply?.ok)
        throw new StepRefused(reply?.code ?? 'timeout', reply?.message ?? `${kind} was not answered`)
    }
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
      case 'inverse-offers':
        for (const { agentId, unavailability } of message.body.inverseOffers) {
          this.#happened({
            kind: 'inverseOffer',
            atMs: this.#master.nowMs,
            framework: id,
            agent: agentId,
            startMs: unavailability.startMs,
          })
        }
        return
      case 'rescind-inverse-offers':
      case 'update':
      case 'updates':
        return
    }
  }
}

function filterOf(refuse: number | undefined): { filter?: { refuseMs: number } } {
  return refuse === undefined ? {} : { filter: { refuseMs: refuse } }
}
