import { isTerminal, Resources, type WireResources } from '@tender/sdk/values'
import type {
  AgentView,
  ClusterEvent,
  FrameworkView,
  InverseOfferView,
  OfferView,
  StateView,
  TaskView,
} from '../core/view.js'

const recentOffersKept = 100
const endedTasksKept = 1_000

/**
 * The state after these events: what a client of the event stream does with what it receives. An event tells the changed
 * thing as it is now, so that the same one twice, or one that the state includes already, changes nothing.
 *
 * What agents and frameworks hold is taken from the offers and tasks, not from the events: so that an offer changes what
 * its agent shows without an event of the agent, and is never counted twice. Roles have no events; they are left as they
 * are, to be fetched again.
 */
export function applyEvents(state: StateView, events: readonly ClusterEvent[]): StateView {
  const draft = draftOf(state)
  for (const event of events) apply(draft, event)
  return { ...withHoldings(draft), ...(state.whitelist ? { whitelist: state.whitelist } : {}) }
}

interface Draft {
  leader: StateView['leader']
  roles: StateView['roles']
  agents: Map<string, AgentView>
  frameworks: Map<string, FrameworkView>
  offers: Map<string, OfferView>
  recentOffers: Map<string, OfferView>
  inverseOffers: Map<string, InverseOfferView>
  tasks: Map<string, TaskView>
}

function draftOf(state: StateView): Draft {
  return {
    leader: state.leader,
    roles: state.roles,
    agents: new Map(state.agents.map(agent => [agent.agentId, agent])),
    frameworks: new Map(state.frameworks.map(framework => [framework.frameworkId, framework])),
    offers: new Map(state.offers.map(offer => [offer.offerId, offer])),
    // Newest last here, so that a new one is simply added.
    recentOffers: new Map(state.recentOffers.toReversed().map(offer => [offer.offerId, offer])),
    inverseOffers: new Map(state.inverseOffers?.map(each => [each.inverseOfferId, each])),
    tasks: new Map(state.tasks.toReversed().map(task => [keyOf(task), task])),
  }
}

function apply(draft: Draft, event: ClusterEvent): void {
  const { leader, agent, agentId, framework, frameworkId, offer, inverseOffer, task } = event
  switch (event.kind) {
    case 'leader':
      if (leader) draft.leader = leader
      return
    case 'agent':
      if (agent) draft.agents.set(agent.agentId, agent)
      return
    case 'agent-removed':
      draft.agents.delete(agentId ?? agent?.agentId ?? '')
      return
    case 'framework':
      if (framework) draft.frameworks.set(framework.frameworkId, framework)
      return
    case 'framework-removed':
      draft.frameworks.delete(frameworkId ?? framework?.frameworkId ?? '')
      return
    case 'offer-made':
      // One that has ended stays so, even if the news of its making comes again.
      if (offer && !draft.recentOffers.has(offer.offerId)) draft.offers.set(offer.offerId, offer)
      return
    case 'offer-ended':
      if (!offer) return
      draft.offers.delete(offer.offerId)
      draft.recentOffers.set(offer.offerId, offer)
      return
    case 'inverse-offer':
      if (!inverseOffer) return
      if (inverseOffer.endedAtMs === undefined)
        draft.inverseOffers.set(inverseOffer.inverseOfferId, inverseOffer)
      else draft.inverseOffers.delete(inverseOffer.inverseOfferId)
      return
    case 'task':
      if (task) draft.tasks.set(keyOf(task), task)
      return
  }
}

function withHoldings(draft: Draft): StateView {
  const offers = [...draft.offers.values()]
  const tasks = [...draft.tasks.values()].toReversed()
  const live = tasks.filter(task => !isTerminal(task.state))
  const offersOfAgent = groupBy(offers, offer => offer.agentId)
  const tasksOfAgent = groupBy(live, task => task.agentId)
  const offersOfFramework = groupBy(offers, offer => offer.frameworkId)
  const tasksOfFramework = groupBy(live, task => task.frameworkId)
  return {
    leader: draft.leader,
    roles: draft.roles,
    agents: [...draft.agents.values()].map(agent => {
      const offered = sum(offersOfAgent.get(agent.agentId))
      const held = tasksOfAgent.get(agent.agentId) ?? []
      const allocated = sum(held)
      return {
        ...agent,
        allocated: allocated.toWire(),
        offered: offered.toWire(),
        free: Resources.fromWire(agent.resources).except(allocated.plus(offered)).toWire(),
        taskCount: held.length,
      }
    }),
    frameworks: [...draft.frameworks.values()].map(framework => {
      const offered = offersOfFramework.get(framework.frameworkId) ?? []
      const held = tasksOfFramework.get(framework.frameworkId) ?? []
      return {
        ...framework,
        allocated: sum(held).toWire(),
        offered: sum(offered).toWire(),
        offerCount: offered.length,
        taskCount: held.length,
      }
    }),
    offers,
    inverseOffers: [...draft.inverseOffers.values()],
    recentOffers: [...draft.recentOffers.values()].toReversed().slice(0, recentOffersKept),
    tasks: forgetOldest(tasks),
  }
}

/** Tasks come newest first; of those that have ended only so many are kept, as a page may stay open for weeks. */
function forgetOldest(tasks: readonly TaskView[]): TaskView[] {
  let ended = 0
  return tasks.filter(task => !isTerminal(task.state) || ++ended <= endedTasksKept)
}

function keyOf({ frameworkId, taskId }: TaskView): string {
  return `${frameworkId} ${taskId}`
}

function groupBy<T>(items: readonly T[], keyOfItem: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOfItem(item))
    if (group) group.push(item)
    else groups.set(keyOfItem(item), [item])
  }
  return groups
}

/** What these hold together; a shared volume counts once. */
function sum(items: readonly { readonly resources: WireResources }[] = []): Resources {
  let sum = Resources.none
  for (const item of items) {
    const resources = Resources.fromWire(item.resources)
    const shared = resources.only(kind => kind.isShared)
    sum = sum.plus(resources.except(shared)).plus(shared.except(sum))
  }
  return sum
}
