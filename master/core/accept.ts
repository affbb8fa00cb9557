import {
  type Accepted,
  type Demand,
  type frameworkToLeader,
  type Infer,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import type { Claim } from '../allocator/types.js'
import { AcceptPlan } from './accept-plan.js'
import { callAgent } from './agent-calls.js'
import { agentRecord, recordState, withTotal } from './agent-record.js'
import { takeTotal } from './agent-resources.js'
import { answerLater } from './answer-later.js'
import { refuseUntil } from './decline.js'
import { checkDemands, setDemands } from './demand.js'
import { endOffer, holdsShared, newestOffersOf, ownOffer, rescind } from './offers.js'
import { conditionOf } from './operator/conditions.js'
import { answerStale, isStale } from './stale-accept.js'
import { type Agent, type Framework, type OfferRecord, type Task, taskKey } from './state.js'
import { done, refusal, refused, type Store, type Turn } from './turn.js'
import { viewTask } from './views.js'

type Accept = Infer<typeof frameworkToLeader.accept>

/** An accept that is being carried out. */
interface Order {
  readonly framework: Framework
  readonly body: Accept
  readonly demands: readonly Demand[]
  readonly callId: string | undefined
  readonly offers: readonly OfferRecord[]
  readonly agent: Agent
  readonly role: string
  readonly offered: Resources
}

/**
 * Does the operations of an accept in order, on offers of one agent and role. What nothing takes goes back under the
 * filter, as one piece. If an offer is not there any more nothing is done; the others named go back, as Mesos does it,
 * unless all or nothing was asked for. Answered at once, or, if reservations or volumes change, when that is stored.
 */
export function accept(
  turn: Turn,
  framework: Framework,
  body: Accept,
  callId: string | undefined,
): Reply | undefined {
  if (isStale(turn, body)) return answerStale(turn, framework, body, callId)
  const demands = checkDemands(framework.info.roles, body.demands)
  const order = orderOf(turn, framework, body, { demands, callId })
  const plan = new AcceptPlan(turn.state, order, body)
  for (const record of order.offers) endOffer(turn, record, 'accepted', { booksAreSettled: true })
  if (plan.conversions.length === 0) {
    const reply = carryOut(turn, order, plan)
    setDemands(turn, framework, demands)
    return reply
  }
  setDemands(turn, framework, demands)
  turn.change([`agent ${order.agent.agentId}`], (start, store) => storeThenCarryOut(start, store, order))
  return undefined
}

/** @throws ProtocolError when an offer is not there, is another framework's, or they are not of one agent and role */
function orderOf(
  turn: Turn,
  framework: Framework,
  body: Accept,
  more: { demands: readonly Demand[]; callId: string | undefined },
): Order {
  const offers = takeOffers(turn, framework, body)
  const [first] = offers
  const agent = first && turn.state.agents.get(first.offer.agentId)
  if (!first || !agent)
    throw new ProtocolError('invalid-offer', 'an accept names at least one offer, got none')
  const offered = Resources.sum(offers.map(({ resources }) => resources))
  return { framework, body, ...more, offers, agent, role: first.offer.role, offered }
}

function takeOffers(turn: Turn, framework: Framework, body: Accept): OfferRecord[] {
  const offers: OfferRecord[] = []
  let problem: ProtocolError | undefined
  for (const offerId of new Set(body.offerIds)) {
    try {
      offers.push(ownOffer(turn, framework, offerId))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      problem ??= error
    }
  }
  const [first] = offers
  const other = offers.find(
    ({ offer }) => offer.agentId !== first?.offer.agentId || offer.role !== first.offer.role,
  )
  if (first && other) {
    const [a, b] = [first.offer, other.offer]
    problem ??= new ProtocolError(
      'offers-differ',
      `offers of one accept must be of one agent and role, got ${a.offerId} of ${a.agentId}, ${a.role} and ${b.offerId} of ${b.agentId}, ${b.role}`,
    )
  }
  if (!problem) return offers
  if (body.allOrNothing) throw problem
  const refuseUntilMs = refuseUntil(turn, body)
  for (const record of offers) endOffer(turn, record, 'declined', { refuseUntilMs, reason: problem.message })
  throw problem
}

/**
 * The registry learns of the agent's new total before anybody else. Until then the offers have ended, so that nobody
 * else takes them, and the books still hold them for the framework.
 */
function storeThenCarryOut(turn: Turn, store: Store, order: Order): void {
  const { state } = turn
  const { agent, framework, body } = order
  const { agentId } = agent
  if (state.agents.get(agentId) !== agent) {
    const gone = refused('unknown-agent', `agent ${agentId} was removed meanwhile`)
    return answerLater(turn, framework, order.callId, gone)
  }
  if (agent.state !== 'registered')
    return giveUp(turn, order, refused('agent-unavailable', `agent ${agentId} is ${agent.state}`))
  let plan: AcceptPlan
  try {
    // Made again: somebody else may have changed the agent while this waited.
    plan = new AcceptPlan(state, order, body)
  } catch (error) {
    if (error instanceof ProtocolError) return giveUp(turn, order, refusal(error))
    throw error
  }
  const keys = plan.launches.map(({ info }) => taskKey(framework.frameworkId, info.taskId))
  for (const key of keys) state.launchingTasks.add(key)
  const thaw = freezeDestroyed(turn, agent, plan)
  const changed = withTotal(agent, plan.total)
  store([agentRecord(changed, recordState(agent))], (later, error) => {
    for (const key of keys) state.launchingTasks.delete(key)
    thaw(later)
    if (error !== undefined) {
      later.log('error', 'the registry could not store a reservation', { agentId, error })
      const problem = `the registry could not store the change of agent ${agentId}: ${error}`
      return giveUp(later, order, refused('registry-unavailable', problem))
    }
    answerLater(later, framework, order.callId, carryOut(later, order, plan, changed))
  })
}

/**
 * Nobody may come to hold a shared volume while it is being destroyed: others' offers of it are taken back, and the
 * agent is not offered meanwhile.
 */
function freezeDestroyed(turn: Turn, agent: Agent, plan: AcceptPlan): (turn: Turn) => void {
  const { allocator } = turn.state
  const { agentId } = agent
  const destroyed = Resources.sum(
    plan.conversions.filter(each => each.kind === 'destroy').map(each => each.from),
  )
  if (destroyed.only(kind => kind.isShared).isEmpty) return () => {}
  for (const record of newestOffersOf(turn.state, agentId))
    if (holdsShared(record.resources, destroyed)) rescind(turn, record, 'a shared volume is being destroyed')
  allocator.setAgentCondition(agentId, 'deactivated')
  return later => later.state.allocator.setAgentCondition(agentId, conditionOf(agent))
}

/** Everything goes back, without a filter. */
function giveUp(turn: Turn, order: Order, reply: Reply): void {
  turn.state.allocator.recover({ ...placeOf(order), resources: order.offered })
  turn.touch(order.agent.agentId)
  answerLater(turn, order.framework, order.callId, reply)
}

function placeOf({ framework, agent, role }: Order): Omit<Claim, 'resources'> {
  return { frameworkId: framework.frameworkId, role, agentId: agent.agentId }
}

/**
 * In the books each operation and task takes from the offers in turn, so that what is left is exactly the rest.
 *
 * @param changed the agent with its new total, when reservations or volumes change
 */
function carryOut(turn: Turn, order: Order, plan: AcceptPlan, changed?: Agent): Reply {
  const { state } = turn
  const { allocator } = state
  const { framework, agent, role, body } = order
  const place = placeOf(order)
  if (!plan.surplus.isEmpty) allocator.recover({ ...place, resources: plan.surplus })
  for (const { from, to } of plan.conversions) allocator.convertOffered({ ...place, resources: from }, to)
  if (changed) takeTotal(turn, agent, changed)
  turn.touch(agent.agentId)
  // Removed while the registry was written: nobody is there to launch for.
  if (!state.frameworks.has(framework.frameworkId)) {
    allocator.recover({
      ...place,
      resources: plan.launches.reduce(
        (sum, each) => sum.plus(each.resources.except(each.alsoUsed)),
        plan.rest,
      ),
    })
    return refused('unknown-framework', `framework ${framework.frameworkId} was removed meanwhile`)
  }
  // What was declared with the accept is what is wanted after it: the launches are not taken off again.
  const declared = order.demands.some(demand => demand.role === role) && changed !== undefined
  const demand = declared ? allocator.demand(framework.frameworkId, role) : undefined
  for (const { resources, alsoUsed } of plan.launches) {
    allocator.use({ ...place, resources: resources.except(alsoUsed) })
    if (!alsoUsed.isEmpty) allocator.charge({ ...place, resources: alsoUsed })
  }
  if (declared) allocator.setDemand(framework.frameworkId, role, demand)
  if (!plan.rest.isEmpty) allocator.recover({ ...place, resources: plan.rest }, refuseUntil(turn, body))
  for (const { info, resources } of plan.launches) launch(turn, order, info, resources)
  logRefusals(turn, framework, plan)
  const { tasks, operations } = plan
  return done({ tasks, ...(operations.length === 0 ? {} : { operations }) } satisfies Accepted)
}

function launch(
  turn: Turn,
  { framework, agent, role }: Order,
  info: AcceptPlan['launches'][number]['info'],
  resources: Resources,
): void {
  const { frameworkId } = framework
  const { taskId } = info
  const task: Task = {
    key: taskKey(frameworkId, taskId),
    taskId,
    frameworkId,
    agentId: agent.agentId,
    role,
    name: info.name ?? taskId,
    resources,
    labels: info.labels ?? {},
    launchedAtMs: turn.now,
    frameworkSince: framework.subscribedAtMs,
    state: 'STAGING',
    status: undefined,
    updatedAtMs: turn.now,
    killedFor: undefined,
  }
  turn.state.tasks.add(task)
  callAgent(turn, agent, 'launch', task.key, {
    frameworkId,
    role,
    task: info,
    frameworkSince: framework.subscribedAtMs,
  })
  turn.log('info', 'launching task', {
    taskId,
    frameworkId,
    agentId: agent.agentId,
    resources: String(resources),
  })
  turn.event({ kind: 'task', task: viewTask(turn.state, task) })
}

function logRefusals(turn: Turn, { frameworkId }: Framework, { tasks, operations }: AcceptPlan): void {
  for (const { ok, code, message, ...what } of [...tasks, ...operations]) {
    if (!ok) turn.log('warn', 'a part of an accept was refused', { ...what, frameworkId, code, message })
  }
}
