import type { AgentId } from '@tender/sdk/protocol'
import type { Resources } from '@tender/sdk/values'
import { callAgent } from './agent-calls.js'
import { revisionOf } from './agent-record.js'
import { holdsShared, newestOffersOf, rescind } from './offers.js'
import type { Agent } from './state.js'
import type { Turn } from './turn.js'
import { viewAgent } from './views.js'

/** The registry has these reservations and volumes: they hold from now on, and the agent is told. */
export function takeTotal(turn: Turn, agent: Agent, changed: Agent): void {
  agent.total = changed.total
  agent.info = changed.info
  orderResources(turn, agent)
  turn.log('info', 'reservations or volumes have changed', {
    agentId: agent.agentId,
    resources: String(agent.total),
    revision: revisionOf(agent),
  })
  turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
}

/** The agent is to keep its total as the leader knows it; an order that it has not answered yet is of no use any more. */
export function orderResources(turn: Turn, agent: Agent): void {
  dropResourceOrders(agent)
  const body = { resources: agent.info.resources, resourcesRevision: revisionOf(agent) }
  callAgent(turn, agent, 'set-resources', undefined, body)
}

export function dropResourceOrders(agent: Agent): void {
  for (const [callId, call] of agent.calls) if (call.kind === 'set-resources') agent.calls.delete(callId)
}

/** Takes offers back until so much of the agent is free: the newest of those that hold some of it first. */
export function freeUp(turn: Turn, agent: Agent, needed: Resources, reason: string): void {
  const { allocator } = turn.state
  for (const record of newestOffersOf(turn.state, agent.agentId)) {
    const missing = needed.except(allocator.free(agent.agentId))
    const isNeeded = shareSome(record.resources, missing) || holdsShared(record.resources, needed)
    if (isNeeded) rescind(turn, record, reason)
  }
}

/** Takes back the offers that do not fit into this total any more: the newest first, only as many as needed. */
export function rescindWhatDoesNotFit(turn: Turn, agentId: AgentId, total: Resources): void {
  const { allocator } = turn.state
  if (allocator.held({ agentId }).offered.isEmpty) return
  for (const record of newestOffersOf(turn.state, agentId)) {
    const { offered, allocated } = allocator.held({ agentId })
    const over = offered.plus(allocated).except(total)
    if (over.isEmpty) return
    const shared = record.resources.only(kind => kind.isShared)
    const exclusive = over.only(kind => !kind.isShared)
    const fits = total.contains(shared) && !shareSome(record.resources, exclusive)
    if (!fits) rescind(turn, record, 'the agent has less than that now')
  }
}

export function shareSome(one: Resources, other: Resources): boolean {
  return !one.except(other).equals(one)
}
