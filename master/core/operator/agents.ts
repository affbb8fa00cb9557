import { type AgentId, ProtocolError } from '@tender/sdk/protocol'
import { agentRecord, recordState } from '../agent-record.js'
import { noteLeaving } from '../inverse-offers.js'
import { rescindOffersOf } from '../offers.js'
import type { Agent, AgentOrder, MasterState } from '../state.js'
import { endTask, masterStatus } from '../status-update.js'
import type { ChangeView } from '../view.js'
import { viewAgent } from '../views.js'
import { conditionOf } from './conditions.js'
import { changeOf, type Decision } from './decision.js'

interface Call {
  readonly agentId: AgentId
}

/** @throws ProtocolError `unknown-agent` */
export function knownAgent(state: MasterState, agentId: AgentId): Agent {
  const agent = state.agents.get(agentId)
  if (agent) return agent
  const why = state.goneAgents.has(agentId) ? 'was removed by an operator' : 'is not known'
  throw new ProtocolError('unknown-agent', `agent ${agentId} ${why}`)
}

/** Nothing new is offered from it; tasks go on. */
export function deactivate(state: MasterState, { agentId }: Call): Decision {
  return setOrder(knownAgent(state, agentId), { condition: 'deactivated' })
}

/** Ends a deactivation or a drain. */
export function reactivate(state: MasterState, { agentId }: Call): Decision {
  return setOrder(knownAgent(state, agentId), { condition: 'active' })
}

/** Whoever has tasks there is asked to leave; after the grace, if there is one, what is still there is killed. */
export function drain(
  state: MasterState,
  { agentId, graceMs }: Call & { readonly graceMs?: number },
  now: number,
): Decision {
  return setOrder(knownAgent(state, agentId), {
    condition: 'draining',
    startedAtMs: now,
    endsAtMs: graceMs === undefined ? undefined : now + graceMs,
    isOver: false,
  })
}

/** The agent is gone, by the operator's word: its tasks have ended. It is let in again only if it may return, as a new one. */
export function removeAgent(
  state: MasterState,
  { agentId, mayReturn = false }: Call & { readonly mayReturn?: boolean },
): Decision {
  const agent = knownAgent(state, agentId)
  return {
    records: [mayReturn ? { kind: 'agent', id: agentId, value: undefined } : agentRecord(agent, 'gone')],
    take: turn => {
      const { state: before } = agent
      rescindOffersOf(turn, agentId, 'the agent was removed')
      for (const task of state.tasks.ofAgent(agentId)) {
        const message = `agent ${agentId} was removed by an operator`
        endTask(
          turn,
          task,
          masterStatus(turn, task, 'GONE_BY_OPERATOR', 'AGENT_REMOVED_BY_OPERATOR', message),
        )
      }
      state.allocator.removeAgent(agentId)
      state.agents.delete(agentId)
      state.recoveringAgents.delete(agentId)
      state.confirmedSilent.delete(agentId)
      if (!mayReturn) state.goneAgents.add(agentId)
      state.leavingAgents.delete(agentId)
      turn.touch(agentId)
      turn.event({ kind: 'agent-removed', agentId })
      return changeOf(`agent ${agentId}`, 'state', before, mayReturn ? '' : 'gone')
    },
  }
}

function setOrder(agent: Agent, order: AgentOrder): Decision {
  return {
    records: [agentRecord({ ...agent, order }, recordState(agent))],
    take: turn => {
      const before = agent.order
      agent.order = order
      const { allocator } = turn.state
      // One that has not registered with this leader is told of when it does.
      if (agent.state !== 'recovering') allocator.setAgentCondition(agent.agentId, conditionOf(agent))
      if (order.condition !== 'active')
        rescindOffersOf(turn, agent.agentId, `the agent is ${order.condition}`)
      noteLeaving(turn, agent)
      turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
      return changesOf(agent.agentId, before, order)
    },
  }
}

function changesOf(agentId: AgentId, from: AgentOrder, to: AgentOrder): ChangeView[] {
  const end = (order: AgentOrder) => (order.condition === 'draining' ? String(order.endsAtMs ?? '') : '')
  return [
    ...changeOf(`agent ${agentId}`, 'condition', from.condition, to.condition),
    ...changeOf(`agent ${agentId}`, 'drainEndsAtMs', end(from), end(to)),
  ]
}

/** While the master suspects its own link: the agents that are silent now are away, by the operator's word. */
export function confirmSilent(state: MasterState): Decision {
  return {
    records: [],
    take: () => {
      const silent = [...state.agents.values()].filter(({ isSilent }) => isSilent)
      for (const { agentId } of silent) state.confirmedSilent.add(agentId)
      return silent.flatMap(({ agentId }) => changeOf(`agent ${agentId}`, 'state', 'silent', 'unreachable'))
    },
  }
}
