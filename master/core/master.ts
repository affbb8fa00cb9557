import { type AgentInfo, type Beacon, oldestProtocolVersion, protocolVersion } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import { Allocator } from '../allocator/allocator.js'
import type { AgentRecord, RegistryContent } from '../registry/records.js'
import { agentMessage } from './agent-message.js'
import { orderOf } from './agent-record.js'
import { isAllocationHeld } from './allocation-hold.js'
import type { MasterCommand } from './commands.js'
import { frameworkMessage } from './framework-message.js'
import { recoverCompleted, recoverFramework } from './framework-record.js'
import { beaconOf } from './heartbeats.js'
import type { MasterInput, TimedInput } from './inputs.js'
import { askToLeave } from './inverse-offers.js'
import { readLog } from './log-request.js'
import { OfferBook } from './offer-book.js'
import { makeOffers } from './offers.js'
import { operate } from './operator/operate.js'
import { quotaFromWire } from './operator/quotas.js'
import {
  type Agent,
  defaultMasterSettings,
  type Leadership,
  type MasterSettings,
  type MasterState,
} from './state.js'
import { TaskBook } from './task-book.js'
import { tick } from './tick.js'
import { refusal, Turn, TurnMemory } from './turn.js'

/**
 * A leading master, from its election on: a synchronous function from inputs to commands. It has no clock, no network
 * and no disk; the same core runs in production, in tests and in simulations.
 */
export class Master {
  /** For the views: to be read, not to be changed. */
  readonly state: MasterState
  readonly #memory = new TurnMemory()
  /** The allocator's tick is due with the next offers. */
  #isTick = false
  /** When offers were to be made last, it was too early for any. */
  #isHeld = false

  constructor(
    leadership: Leadership,
    content: RegistryContent,
    settings: MasterSettings = defaultMasterSettings,
  ) {
    this.state = recover(leadership, content, settings)
  }

  step(input: TimedInput): MasterCommand[] {
    return [...this.handle(input), ...this.offer(input.now)]
  }

  /** Only what the input itself changes. Offers follow by `offer`: of several inputs that belong together, once. */
  handle(input: TimedInput): MasterCommand[] {
    const turn = new Turn(this.state, input.now, this.#memory)
    this.#handle(turn, input)
    if (this.#isTickDue(input)) this.#isTick = true
    return turn.commands
  }

  /** Makes the offers that are due now, of so many agents at most: then `hasMoreOffers` says whether some are left. */
  offer(now: Millis, mostAgents = Infinity): MasterCommand[] {
    const turn = new Turn(this.state, now, this.#memory)
    this.#isHeld = isAllocationHeld(this.state, now)
    if (!this.#isHeld) this.#allocate(turn, mostAgents)
    askToLeave(turn)
    return turn.commands
  }

  #allocate(turn: Turn, mostAgents: number): void {
    const { allocator } = this.state
    makeOffers(
      turn,
      this.#isTick ? allocator.tick(turn.now, mostAgents) : allocator.cycle(turn.now, mostAgents),
    )
    this.#isTick = false
  }

  /** What the leader says to everybody, about once a second. */
  beacon(): Beacon {
    return beaconOf(this.state)
  }

  /** Whether offers are due at once still. */
  get hasMoreOffers(): boolean {
    return !this.#isHeld && (this.#isTick || this.state.allocator.hasMore)
  }

  /**
   * The next instant at which something happens by itself: an offer or a filter ends, an allocation or the end of a
   * drain is due. Peers' silence is no event; it is found by ticks. (Virtual time goes from one such instant to the next.)
   */
  nextDueMs(): Millis {
    const { offers, leavingAgents, agents, allocator, nextAllocationAtMs } = this.state
    let due = Math.min(nextAllocationAtMs, allocator.nextDueMs() ?? nextAllocationAtMs)
    for (const { offer } of offers.values()) due = Math.min(due, offer.expiresAtMs ?? due)
    for (const agentId of leavingAgents) {
      const order = agents.get(agentId)?.order
      if (order?.condition === 'draining' && !order.isOver) due = Math.min(due, order.endsAtMs ?? due)
    }
    return due
  }

  /** The allocator's ticks come 1, 2, 3 … intervals after the election; several that are due at once count as one. */
  #isTickDue(input: TimedInput): boolean {
    const { state } = this
    if (input.kind === 'allocate') return true
    if (input.kind !== 'tick' || input.now < state.nextAllocationAtMs) return false
    const { electedAtMs } = state.leadership
    const { allocationIntervalMs } = state.allocator.settings
    const passed = Math.floor((input.now - electedAtMs) / allocationIntervalMs)
    state.nextAllocationAtMs = electedAtMs + (passed + 1) * allocationIntervalMs
    return true
  }

  #handle(turn: Turn, input: TimedInput): void {
    switch (input.kind) {
      case 'agent-message':
        return agentMessage(turn, input.agentId, input.message)
      case 'framework-message':
        return frameworkMessage(turn, input.frameworkId, input.message)
      case 'bad-message':
        return badMessage(turn, input)
      case 'stored': {
        const then = this.#memory.afterStore.get(input.ticket)
        this.#memory.afterStore.delete(input.ticket)
        return then?.(turn, input.error)
      }
      case 'read-log':
        return readLog(turn, input.requestId, input.request)
      case 'reconnected':
        for (const peer of [...this.state.agents.values(), ...this.state.frameworks.values()])
          peer.heardAtMs = input.now
        return
      case 'operator':
        return operate(turn, input.requestId, input.call)
      case 'tick':
        return tick(turn)
      case 'allocate':
        return
    }
  }
}

/**
 * Whoever sent it is told, inside the numbering of its link where it has one. An instance that comes in place of the
 * one of the link is a stranger: what is meant for that one it would let pass.
 */
function badMessage(turn: Turn, input: Extract<MasterInput, { kind: 'bad-message' }>): void {
  const { peer, error, call, number, v } = input
  turn.log('warn', 'a message was refused', { [`${peer.kind}Id`]: peer.id, error: error.message })
  const agent = peer.kind === 'agent' ? turn.state.agents.get(peer.id) : undefined
  const framework = peer.kind === 'framework' ? turn.state.frameworks.get(peer.id) : undefined
  const known = agent ?? framework
  if (number && number.session !== known?.session)
    return turn.refuse(peer, error, {
      to: number.session,
      ...(call === undefined ? {} : { call }),
      ...(v === undefined ? {} : { v: nearestVersion(v) }),
    })
  if (number) known?.link?.skip(number)
  if (agent?.link) turn.toAgent(agent, 'reply', refusal(error), call)
  else if (framework?.link) turn.toFramework(framework, 'reply', refusal(error), call)
  else turn.refuse(peer, error, call === undefined ? {} : { call })
}

/** A newer peer reads the newest of this program, if any. */
function nearestVersion(v: number): number {
  return Math.min(Math.max(v, oldestProtocolVersion), protocolVersion)
}

/** What the registry knows, before anybody has been heard of. Tasks are rebuilt as the agents register. */
function recover(leadership: Leadership, content: RegistryContent, settings: MasterSettings): MasterState {
  const allocator = new Allocator(settings.allocator)
  const now = leadership.electedAtMs
  for (const { role, weight, quota } of content.roles) {
    allocator.setWeight(role, weight)
    if (quota) allocator.setQuota(role, quotaFromWire(quota))
  }
  const whitelist = content.cluster?.whitelist
  if (whitelist) allocator.setWhitelist(new Set(whitelist))
  const totals = new Totals()
  const agents = content.agents
    .filter(({ state }) => state !== 'gone')
    .map(record => recoverAgent(record, totals.of(record.agent), now))
  const completed = content.frameworks
    .flatMap(record => recoverCompleted(record) ?? [])
    .toSorted((a, b) => a.completedAtMs - b.completedAtMs)
  const isLeaving = (agent: Agent) => agent.order.condition === 'draining' || agent.unavailability
  return {
    leadership,
    settings,
    allocator,
    agents: new Map(agents.map(agent => [agent.agentId, agent])),
    recoveringAgents: new Set(
      agents.filter(agent => agent.state === 'recovering').map(({ agentId }) => agentId),
    ),
    goneAgents: new Set(
      content.agents.filter(({ state }) => state === 'gone').map(({ agent }) => agent.agentId),
    ),
    frameworks: new Map(
      content.frameworks
        .filter(({ completedAtMs }) => completedAtMs === undefined)
        .map(record => [record.framework.frameworkId, recoverFramework(record, now)]),
    ),
    completedFrameworks: new Map(completed.map(framework => [framework.info.frameworkId, framework])),
    roles: new Set(content.roles.map(({ role }) => role)),
    whitelist,
    offers: new OfferBook(),
    endedOffers: [],
    inverseOffers: new Map(),
    leavingAgents: new Set(agents.filter(isLeaving).map(({ agentId }) => agentId)),
    suspicion: undefined,
    confirmedSilent: new Set(),
    removalAllowance: settings.agentRemovalsPerSecond,
    lastTickAtMs: undefined,
    nextSilenceAtMs: now,
    nextAllocationAtMs: now + settings.allocator.allocationIntervalMs,
    tasks: new TaskBook(),
    launchingTasks: new Set(),
    endedTasks: new Map(),
  }
}

/** Of many agents, most have the same: it is made once, since all wait for a new leader. */
class Totals {
  readonly #known = new Map<string, Resources>()

  of({ resources }: AgentInfo): Resources {
    const text = JSON.stringify(resources)
    const known = this.#known.get(text)
    if (known) return known
    const total = Resources.fromWire(resources)
    this.#known.set(text, total)
    return total
  }
}

function recoverAgent(record: AgentRecord, total: Resources, now: Millis): Agent {
  const { agent: info, state, registeredAtMs, unreachableAtMs, unavailability } = record
  return {
    agentId: info.agentId,
    info,
    total,
    state: state === 'unreachable' ? 'unreachable' : 'recovering',
    session: '',
    link: undefined,
    registerCall: undefined,
    starts: undefined,
    problem: undefined,
    isSilent: false,
    registeredAtMs,
    heardAtMs: now,
    unreachableAtMs,
    order: orderOf(record),
    unavailability,
    calls: new Map(),
  }
}
