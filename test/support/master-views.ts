import type {
  AgentView,
  ClusterEvent,
  Explanation,
  FrameworkView,
  InverseOfferView,
  LeaderView,
  OfferView,
  RoleView,
  StateView,
  TaskView,
} from '../../master/core/view.js'

/** Realistic views of a small cluster, for tests of what shows them. Times are relative to `nowMs`. */

export const nowMs = 1_790_000_000_000

export function leaderOf(fields: Partial<LeaderView> = {}): LeaderView {
  return {
    cluster: 'dev',
    masterId: 'master-1',
    isLeader: true,
    epoch: 7,
    httpUrl: 'http://127.0.0.1:5050',
    electedAtMs: nowMs - 3_600_000,
    version: '0.1.0',
    ...fields,
  }
}

export function agentOf(agentId: string, fields: Partial<AgentView> = {}): AgentView {
  const resources = { cpus: 4, mem: 8192, disk: 20_480, ports: [[31_000, 31_099] as const] }
  return {
    agentId,
    hostname: `${agentId}.example`,
    resources,
    attributes: { rack: 'r1' },
    containerizers: ['docker', 'process'],
    version: '0.1.0',
    state: 'registered',
    registeredAtMs: nowMs - 60_000,
    heardAtMs: nowMs - 500,
    allocated: {},
    offered: {},
    free: resources,
    taskCount: 0,
    ...fields,
  }
}

export function frameworkOf(frameworkId: string, fields: Partial<FrameworkView> = {}): FrameworkView {
  return {
    frameworkId,
    name: `${frameworkId} framework`,
    roles: [frameworkId],
    state: 'connected',
    suppressedRoles: [],
    subscribedAtMs: nowMs - 50_000,
    allocated: {},
    offered: {},
    offerCount: 0,
    taskCount: 0,
    ...fields,
  }
}

export function roleOf(role: string, fields: Partial<RoleView> = {}): RoleView {
  return { role, weight: 1, dominantShare: 0, frameworkIds: [], allocated: {}, offered: {}, ...fields }
}

export function offerOf(offerId: string, fields: Partial<OfferView> = {}): OfferView {
  return {
    offerId,
    frameworkId: 'service',
    frameworkName: 'service framework',
    role: 'service',
    agentId: 'agent-1',
    hostname: 'agent-1.example',
    resources: { cpus: 1, mem: 512 },
    attributes: { rack: 'r1' },
    containerizers: ['docker', 'process'],
    madeAtMs: nowMs - 12_000,
    expiresAtMs: nowMs + 48_000,
    state: 'outstanding',
    ageMs: 12_000,
    ...fields,
  }
}

/** A request to the service framework to leave its agent for a window. */
export function inverseOfferOf(
  inverseOfferId: string,
  fields: Partial<InverseOfferView> = {},
): InverseOfferView {
  return {
    inverseOfferId,
    frameworkId: 'service',
    agentId: 'agent-1',
    hostname: 'agent-1.example',
    reason: 'maintenance',
    unavailability: { startMs: nowMs + 60_000 },
    madeAtMs: nowMs - 1_000,
    ...fields,
  }
}

export function taskOf(taskId: string, fields: Partial<TaskView> = {}): TaskView {
  return {
    taskId,
    frameworkId: 'service',
    agentId: 'agent-1',
    hostname: 'agent-1.example',
    role: 'service',
    name: 'web',
    resources: { cpus: 0.5, mem: 128, ports: [[31_000, 31_000]] },
    labels: {},
    state: 'RUNNING',
    launchedAtMs: nowMs - 30_000,
    updatedAtMs: nowMs - 29_000,
    ...fields,
  }
}

export function stateOf(fields: Partial<StateView> = {}): StateView {
  return {
    leader: leaderOf(),
    agents: [],
    frameworks: [],
    roles: [],
    offers: [],
    recentOffers: [],
    tasks: [],
    inverseOffers: [],
    ...fields,
  }
}

export function eventOf(event: Omit<ClusterEvent, 'timestampMs'>): ClusterEvent {
  return { timestampMs: nowMs, ...event }
}

/** An offer as it is when it has ended. */
export function ended(
  offer: OfferView,
  outcome: OfferView['state'],
  fields: Partial<OfferView> = {},
): OfferView {
  return { ...offer, state: outcome, endedAtMs: offer.madeAtMs + offer.ageMs, ...fields }
}

/** A framework that has refused one agent of two, and of whom the other one is not offered to it either. */
export function explanationOf(frameworkId: string, roles: readonly string[]): Explanation {
  const refused = {
    agentId: 'agent-1',
    hostname: 'agent-1.example',
    reason: 'filtered' as const,
    message: 'refused 2 s ago, for another 3 s',
    figures: { refusedForMs: '3000' },
  }
  const small = {
    agentId: 'agent-2',
    hostname: 'agent-2.example',
    reason: 'below-minimum' as const,
    message: 'cpus:0.005 is free, and the minimum is cpus:0.01',
    figures: { free: 'cpus:0.005', minimum: 'cpus:0.01' },
  }
  return {
    frameworkId,
    roles: roles.map(role => ({
      role,
      agentCount: 2,
      funnel: [
        { reason: small.reason, agentCount: 1, example: small },
        { reason: refused.reason, agentCount: 1, example: refused },
      ],
      advice: `revive role ${role}, or wait for 3 s`,
      agents: [refused, small],
    })),
  }
}
