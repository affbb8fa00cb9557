import { defaultFailoverTimeoutMs } from '@tender/sdk/protocol'
import { resendCalls } from './agent-calls.js'
import { agentRecord } from './agent-record.js'
import { disconnectFramework } from './disconnect-framework.js'
import { endDrains } from './drain.js'
import { rescind, rescindOffersOf } from './offers.js'
import type { Agent } from './state.js'
import { masterStatus } from './status-update.js'
import { removeFramework } from './teardown.js'
import type { Turn } from './turn.js'
import { viewAgent, viewTask } from './views.js'

/** Deadlines are state, looked at here: offers, silent peers, unanswered calls, failover timeouts. */
export function tick(turn: Turn): void {
  expireOffers(turn)
  for (const agent of turn.state.agents.values()) {
    if (agent.state !== 'unreachable' && turn.now >= agent.heardAtMs + turn.state.settings.agentTimeoutMs) {
      missAgent(turn, agent)
    }
    resendCalls(turn, agent)
  }
  missFrameworks(turn)
  endDrains(turn)
}

function expireOffers(turn: Turn): void {
  for (const record of [...turn.state.offers.values()]) {
    const { expiresAtMs } = record.offer
    if (expiresAtMs !== undefined && turn.now >= expiresAtMs) {
      rescind(turn, record, 'it was not answered before its deadline', 'expired')
    }
  }
}

/** A silent agent: nothing new is offered from it, and its tasks' frameworks are told, once that is stored. */
function missAgent(turn: Turn, agent: Agent): void {
  const { agentId } = agent
  // Not again at the next tick, while the registry is being written.
  const silentSinceMs = agent.heardAtMs
  const missedAtMs = turn.now
  agent.heardAtMs = missedAtMs
  turn.change([`agent ${agentId}`], (start, store) => {
    const isStillSilent = agent.heardAtMs === missedAtMs && agent.state !== 'unreachable'
    if (start.state.agents.get(agentId) !== agent || !isStillSilent) return
    const unreachable = { ...agent, unreachableAtMs: start.now }
    store([agentRecord(unreachable, 'unreachable')], (later, error) => {
      if (error !== undefined) {
        const fields = { agentId, error }
        return later.log('error', 'the registry could not store that an agent is unreachable', fields)
      }
      if (agent.heardAtMs > missedAtMs) return comeBack(later, agent)
      becomeUnreachable(later, agent, silentSinceMs)
    })
  })
}

/** It spoke while the registry was being written: it registers again, which also puts the record right. */
function comeBack(turn: Turn, agent: Agent): void {
  agent.state = 'recovering'
  agent.info = { ...agent.info, version: '' }
  turn.toAgent(agent, 'resynchronise', { reason: 'it was silent for too long' })
}

function becomeUnreachable(turn: Turn, agent: Agent, silentSinceMs: number): void {
  const { state } = turn
  const { agentId } = agent
  agent.state = 'unreachable'
  agent.unreachableAtMs = turn.now
  state.allocator.setAgentCondition(agentId, 'unreachable')
  rescindOffersOf(turn, agentId, 'the agent is unreachable')
  turn.log('warn', 'agent is unreachable', { agentId, silentMs: turn.now - silentSinceMs })
  for (const task of state.tasks.values()) {
    if (task.agentId !== agentId) continue
    task.state = 'UNREACHABLE'
    task.updatedAtMs = turn.now
    masterStatus(
      turn,
      task,
      'UNREACHABLE',
      'AGENT_UNREACHABLE',
      `agent ${agentId} is silent; the task may still run`,
    )
    turn.event({ kind: 'task', task: viewTask(state, task) })
  }
  turn.event({ kind: 'agent', agent: viewAgent(state, agent) })
}

function missFrameworks(turn: Turn): void {
  const { state } = turn
  for (const framework of [...state.frameworks.values()]) {
    if (framework.state === 'connected') {
      if (turn.now >= framework.heardAtMs + state.settings.frameworkTimeoutMs) {
        disconnectFramework(turn, framework, 'it is silent')
      }
      continue
    }
    const timeoutMs = framework.info.failoverTimeoutMs ?? defaultFailoverTimeoutMs
    const sinceMs = framework.disconnectedAtMs ?? turn.now
    if (turn.now < sinceMs + timeoutMs) continue
    // Not again at the next tick, while the registry is being written.
    framework.disconnectedAtMs = turn.now
    removeFramework(turn, framework, `not back within its failover timeout of ${timeoutMs} ms`)
  }
}
