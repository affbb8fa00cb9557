import type { Resources } from '@tender/sdk/values'
import { type AgentRecord, recordVersion, type RegistryRecord } from '../registry/records.js'
import type { Agent, AgentOrder } from './state.js'

type Recorded = Pick<
  Agent,
  'agentId' | 'info' | 'registeredAtMs' | 'unreachableAtMs' | 'order' | 'unavailability'
>

/** An agent as the registry keeps it; what of it is to change comes in `agent` as it will be. */
export function agentRecord(agent: Recorded, state: AgentRecord['state']): RegistryRecord {
  const { agentId, info, registeredAtMs, unreachableAtMs, order, unavailability } = agent
  const value: AgentRecord = {
    v: recordVersion,
    agent: info,
    state,
    registeredAtMs,
    ...(unreachableAtMs === undefined ? {} : { unreachableAtMs }),
    ...(order.condition === 'active' ? {} : { condition: order.condition }),
    ...(order.condition === 'draining' ? { drainStartedAtMs: order.startedAtMs } : {}),
    ...(order.condition === 'draining' && order.endsAtMs !== undefined
      ? { drainEndsAtMs: order.endsAtMs }
      : {}),
    ...(unavailability === undefined ? {} : { unavailability }),
  }
  return { kind: 'agent', id: agentId, value }
}

/** The state under which a known agent is kept. */
export function recordState(agent: Agent): AgentRecord['state'] {
  return agent.state === 'unreachable' ? 'unreachable' : 'registered'
}

export function orderOf({
  condition,
  drainStartedAtMs,
  drainEndsAtMs,
  registeredAtMs,
}: AgentRecord): AgentOrder {
  if (condition === undefined) return { condition: 'active' }
  if (condition === 'deactivated') return { condition }
  return {
    condition,
    startedAtMs: drainStartedAtMs ?? registeredAtMs,
    endsAtMs: drainEndsAtMs,
    // Another leader may have killed the tasks already; to kill them again does no harm.
    isOver: false,
  }
}

export function revisionOf(agent: { readonly info: { readonly resourcesRevision?: number } }): number {
  return agent.info.resourcesRevision ?? 0
}

/** The agent with other reservations or volumes, as the next revision. */
export function withTotal(agent: Agent, total: Resources): Agent {
  const info = { ...agent.info, resources: total.toWire(), resourcesRevision: revisionOf(agent) + 1 }
  return { ...agent, info, total }
}
