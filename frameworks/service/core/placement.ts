import { type Millis, type Offer, ranges, type Resources } from '@tender/sdk'
import type { AppState } from './app-state.js'
import { choosePorts, portWishes } from './ports.js'
import type { InstanceRecord } from './records.js'
import { isNearer, type Lack, type Shortage } from './shortage.js'
import { amountsOf, portsResource, taskIdOf } from './task.js'

export interface PlacementContext {
  readonly now: Millis
  /** Gives an id that has never been used. */
  readonly nextInstanceId: () => string
}

/** What one agent offers, and what was placed there. */
export interface AgentOffers {
  readonly agentId: string
  readonly hostname: string
  readonly offers: Offer[]
  /** What is left of the offers. */
  left: Resources
  readonly containerizers: readonly string[]
  /** About how large the accept will be. */
  bytes: number
  readonly placed: { readonly state: AppState; readonly instance: InstanceRecord }[]
}

/** One accept is one message, which NATS limits to 1 MB; the rest follows with the next offers. */
const maxTasksPerAccept = 1000
const maxBytesPerAccept = 700_000

/**
 * Finds places for what apps are missing: one instance of each app in turn, so that a large app leaves room for the
 * others; each on the agent that has the fewest instances of its app.
 *
 * @returns the agents, with what was placed on them, and for each app that found no place the reason
 */
export function place(
  apps: readonly AppState[],
  offers: readonly Offer[],
  context: PlacementContext,
): { agents: AgentOffers[]; shortages: Map<AppState, Shortage> } {
  const agents = byAgent(offers)
  const shortages = new Map<AppState, Shortage>()
  let open =
    agents.length === 0
      ? []
      : apps.map(state => ({
          state,
          left: state.missing,
          bytes: bytesOf(state),
          perAgent: countPerAgent(state),
        }))
  while (open.length > 0) {
    open = open.filter(wish => {
      const shortage = placeOne(wish, agents, context)
      if (shortage) shortages.set(wish.state, shortage)
      return !shortage && --wish.left > 0
    })
  }
  return { agents, shortages }
}

function byAgent(offers: readonly Offer[]): AgentOffers[] {
  const agents = new Map<string, AgentOffers>()
  for (const offer of offers) {
    const known = agents.get(offer.agentId)
    if (known) {
      known.offers.push(offer)
      known.left = known.left.plus(offer.resources)
      continue
    }
    const { agentId, hostname, resources, containerizers } = offer
    agents.set(agentId, {
      agentId,
      hostname,
      offers: [offer],
      left: resources,
      containerizers,
      bytes: 0,
      placed: [],
    })
  }
  return [...agents.values()].toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1))
}

/** How many instances that are to run each agent has, of one app. */
function countPerAgent({ instances }: AppState): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { agentId, goal } of instances.values()) {
    if (goal === 'run') counts.set(agentId, (counts.get(agentId) ?? 0) + 1)
  }
  return counts
}

/** Labels come twice, in the environment too; and an instance adds names and ports. */
function bytesOf({ app }: AppState): number {
  return JSON.stringify(app).length + JSON.stringify(app.labels).length + 3_000
}

interface Wish {
  readonly state: AppState
  readonly bytes: number
  readonly perAgent: Map<string, number>
}

/** Places one instance, or says why there is no place. */
function placeOne(
  { state, bytes, perAgent }: Wish,
  agents: readonly AgentOffers[],
  context: PlacementContext,
): Shortage | undefined {
  let nearest: { agent: AgentOffers; lacks: readonly Lack[] } | undefined
  for (const agent of bySpread(agents, perAgent)) {
    const lacks = lacksOf(state, agent, bytes)
    if (lacks.length === 0) {
      put(state, agent, context)
      agent.bytes += bytes
      perAgent.set(agent.agentId, (perAgent.get(agent.agentId) ?? 0) + 1)
      return undefined
    }
    if (!nearest || isNearer(lacks, nearest.lacks)) nearest = { agent, lacks }
  }
  return shortageOf(state, nearest, agents.length, context.now)
}

function shortageOf(
  state: AppState,
  nearest: { agent: AgentOffers; lacks: readonly Lack[] } | undefined,
  agents: number,
  now: Millis,
): Shortage | undefined {
  if (!nearest) return undefined
  const { agentId, hostname } = nearest.agent
  return { agentId, hostname, lacks: nearest.lacks, agents, sinceMs: state.shortage?.sinceMs ?? now }
}

/** The fewest instances of this app first, then the fewest placed in this round; ties by the agent's id. */
function bySpread(agents: readonly AgentOffers[], perAgent: ReadonlyMap<string, number>): AgentOffers[] {
  return agents.toSorted(
    (a, b) =>
      (perAgent.get(a.agentId) ?? 0) - (perAgent.get(b.agentId) ?? 0) || a.placed.length - b.placed.length,
  )
}

function lacksOf({ app }: AppState, agent: AgentOffers, bytes: number): Lack[] {
  const containerizer = app.container ? 'docker' : 'process'
  if (!agent.containerizers.includes(containerizer)) {
    const sentence = app.container ? 'an engine for containers' : 'a way to run plain processes'
    return [{ resource: containerizer, needed: 1, offered: 0, sentence }]
  }
  if (agent.placed.length >= maxTasksPerAccept || agent.bytes + bytes > maxBytesPerAccept) {
    return [{ resource: 'tasks', needed: 1, offered: 0, sentence: 'room in one accept' }]
  }
  const lacks: Lack[] = []
  for (const name of ['cpus', 'mem', 'disk'] as const) {
    const offered = agent.left.scalar(name)
    if (offered < app[name]) lacks.push({ resource: name, needed: app[name], offered })
  }
  return [...lacks, ...portLacks(app, agent)]
}

function portLacks(app: AppState['app'], agent: AgentOffers): Lack[] {
  const wishes = portWishes(app)
  const free = agent.left.ranges('ports')
  const fixed = wishes.map(wish => wish.hostPort).filter(port => port > 0)
  const taken = fixed.filter(port => !ranges.includes(free, [[port, port]]))
  if (taken.length > 0) {
    const sentence = `port ${taken.join(', ')}, which is not among those offered`
    return [{ resource: 'ports', needed: wishes.length, offered: wishes.length - taken.length, sentence }]
  }
  const needed = wishes.length - fixed.length + new Set(fixed).size
  const offered = ranges.count(free)
  return offered < needed ? [{ resource: 'ports', needed, offered }] : []
}

function put(state: AppState, agent: AgentOffers, { now, nextInstanceId }: PlacementContext): void {
  const { app, record } = state
  const instanceId = nextInstanceId()
  const hostPorts = choosePorts(agent.left.ranges('ports'), portWishes(app), instanceId) ?? []
  const instance: InstanceRecord = {
    taskId: taskIdOf(app.id, instanceId),
    appId: app.id,
    version: record.version,
    agentId: agent.agentId,
    hostname: agent.hostname,
    hostPorts,
    goal: 'run',
    state: 'STAGING',
    stateSinceMs: now,
    stagedAtMs: now,
  }
  agent.left = agent.left.minus(amountsOf(app)).minus(portsResource(hostPorts))
  agent.placed.push({ state, instance })
}
