import { agentRecord } from './agent-record.js'
import { agentHeartbeatMs } from './heartbeats.js'
import { rescindOffersOf } from './offers.js'
import { conditionOf } from './operator/conditions.js'
import type { Agent, MasterState } from './state.js'
import { masterStatus } from './status-update.js'
import type { Turn } from './turn.js'
import { viewAgent, viewLeader, viewTask } from './views.js'

/** Of fewer silent agents nothing follows but that they are silent. */
const fewestSuspicious = 3
/** To look at all agents takes the longer the more there are: it is done less often then. */
const silenceLookMsPerAgent = 0.1
const longestSilenceLookMs = 1_000
/** Agents that became unreachable so long ago still count as fallen silent together with others. */
const togetherMs = 60_000

/**
 * Silent agents become unreachable: at most so many in a second, and none at all while so many are silent at once that
 * the master's own link is the likelier cause.
 */
export function missAgents(turn: Turn): void {
  const { state, now } = turn
  const { agentTimeoutMs } = state.settings
  if (now < state.nextSilenceAtMs && now >= state.nextSilenceAtMs - longestSilenceLookMs) return
  state.nextSilenceAtMs = now + Math.min(longestSilenceLookMs, state.agents.size * silenceLookMsPerAgent)
  const silent: Agent[] = []
  for (const agent of state.agents.values()) {
    const isMissed = agent.state !== 'unreachable' && now >= agent.heardAtMs + agentTimeoutMs
    if (isMissed) silent.push(agent)
    else if (agent.isSilent) hear(turn, agent)
  }
  suspectOwnLink(turn, silent)
  for (const agent of silent) {
    if (state.suspicion && !state.confirmedSilent.has(agent.agentId)) keepSilent(turn, agent)
    else if (state.removalAllowance >= 1) {
      state.removalAllowance--
      missAgent(turn, agent)
    }
  }
}

/** Filled up with the time that has passed since the last tick. */
export function refillRemovals({ state }: Turn, passedMs: number): void {
  const { agentRemovalsPerSecond: most } = state.settings
  state.removalAllowance = Math.min(most, state.removalAllowance + (passedMs / 1000) * most)
}

/** Looked at before the first of them becomes unreachable, and again until few enough are silent. */
function suspectOwnLink(turn: Turn, silent: readonly Agent[]): void {
  const { state, now } = turn
  if (!state.suspicion && silent.length === 0) return
  const { gone, all } = countSilent(state, now)
  const most = Math.max(fewestSuspicious - 1, all * state.settings.maxSilentShare)
  const fields = { silentAgents: gone, agents: all, maxSilentShare: state.settings.maxSilentShare }
  if (state.suspicion === undefined && gone > most) {
    state.suspicion = { sinceMs: now, silentAgents: gone }
    turn.log(
      'error',
      'very many agents are silent at once: this master suspects its own link, and gives none of them up; ' +
        'if they are away indeed, confirm it (tender agents confirm-silent)',
      fields,
    )
    turn.event({ kind: 'leader', leader: viewLeader(state) })
  } else if (state.suspicion && gone <= most) {
    state.suspicion = undefined
    turn.log('warn', 'most agents are heard again: this master trusts its link again', fields)
    turn.event({ kind: 'leader', leader: viewLeader(state) })
  }
}

/**
 * How many have fallen silent together, of how many. An agent counts as soon as it should have been heard of: when the
 * first of many is given up, the others have missed their heartbeat as well.
 */
function countSilent(state: MasterState, now: number): { gone: number; all: number } {
  const overdueMs = state.settings.agentTimeoutMs - agentHeartbeatMs(state)
  let gone = 0
  let all = 0
  for (const agent of state.agents.values()) {
    if (state.confirmedSilent.has(agent.agentId)) continue
    const isUnreachable = agent.state === 'unreachable'
    const isRecent = now < (agent.unreachableAtMs ?? 0) + togetherMs
    if (isUnreachable && !isRecent) continue
    all++
    if (isUnreachable || now >= agent.heardAtMs + overdueMs) gone++
  }
  return { gone, all }
}

function keepSilent(turn: Turn, agent: Agent): void {
  if (agent.isSilent) return
  const { agentId } = agent
  agent.isSilent = true
  turn.state.allocator.setAgentCondition(agentId, conditionOf(agent))
  rescindOffersOf(turn, agentId, 'the agent is silent')
  turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
}

function hear(turn: Turn, agent: Agent): void {
  agent.isSilent = false
  turn.state.confirmedSilent.delete(agent.agentId)
  if (agent.state === 'registered') turn.state.allocator.setAgentCondition(agent.agentId, conditionOf(agent))
  turn.event({ kind: 'agent', agent: viewAgent(turn.state, agent) })
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
  turn.state.recoveringAgents.add(agent.agentId)
  agent.info = { ...agent.info, version: '' }
  turn.toAgent(agent, 'resynchronise', { reason: 'it was silent for too long' })
}

function becomeUnreachable(turn: Turn, agent: Agent, silentSinceMs: number): void {
  const { state } = turn
  const { agentId } = agent
  agent.state = 'unreachable'
  state.recoveringAgents.delete(agentId)
  agent.unreachableAtMs = turn.now
  agent.isSilent = false
  state.confirmedSilent.delete(agentId)
  state.allocator.setAgentCondition(agentId, 'unreachable')
  rescindOffersOf(turn, agentId, 'the agent is unreachable')
  turn.log('warn', 'agent is unreachable', { agentId, silentMs: turn.now - silentSinceMs })
  for (const task of state.tasks.ofAgent(agentId)) {
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
