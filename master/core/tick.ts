import { defaultFailoverTimeoutMs } from '@tender/sdk/protocol'
import { resendCalls } from './agent-calls.js'
import { disconnectFramework } from './disconnect-framework.js'
import { endDrains } from './drain.js'
import { rescind } from './offers.js'
import { missAgents, refillRemovals } from './silence.js'
import type { Framework, MasterState } from './state.js'
import { removeFramework } from './teardown.js'
import type { Turn } from './turn.js'

/**
 * Ticks come ten times a second. One that is so late tells of a process that was stopped, or of a clock that was set:
 * nobody was silent meanwhile.
 */
const longestTickMs = 2_000
/** After the registry could not store the end of a framework. */
const endAgainAfterMs = 5_000

/** Deadlines are state, looked at here: offers, silent peers, unanswered calls, failover timeouts. */
export function tick(turn: Turn): void {
  const passedMs = timePassed(turn)
  refillRemovals(turn, passedMs)
  expireOffers(turn)
  missAgents(turn)
  for (const agent of turn.state.agents.values()) resendCalls(turn, agent)
  missFrameworks(turn)
  endDrains(turn)
}

/** @returns since the last tick, as far as this master has been awake */
function timePassed({ state, now }: Turn): number {
  const passedMs = now - (state.lastTickAtMs ?? now)
  state.lastTickAtMs = now
  if (passedMs >= 0 && passedMs <= longestTickMs) return passedMs
  for (const peer of [...state.agents.values(), ...state.frameworks.values()]) peer.heardAtMs += passedMs
  return 0
}

function expireOffers(turn: Turn): void {
  for (const record of [...turn.state.offers.values()]) {
    const { expiresAtMs } = record.offer
    if (expiresAtMs !== undefined && turn.now >= expiresAtMs) {
      rescind(turn, record, 'it was not answered before its deadline', 'expired')
    }
  }
}

function missFrameworks(turn: Turn): void {
  const { state, now } = turn
  for (const framework of [...state.frameworks.values()]) {
    if (framework.state === 'connected') {
      if (now >= framework.heardAtMs + state.settings.frameworkTimeoutMs)
        disconnectFramework(turn, framework, 'it is silent')
      continue
    }
    if (now < endOfAbsence(state, framework) || now < framework.endAgainAtMs) continue
    // Not again at the next tick, while the registry is being written.
    framework.endAgainAtMs = now + endAgainAfterMs
    const timeoutMs = framework.info.failoverTimeoutMs ?? defaultFailoverTimeoutMs
    removeFramework(turn, framework, `not back within its failover timeout of ${timeoutMs} ms`)
  }
}

/** A new leader gives everybody the time to find it, however long they have been away. */
function endOfAbsence({ leadership, settings }: MasterState, framework: Framework): number {
  const timeoutMs = framework.info.failoverTimeoutMs ?? defaultFailoverTimeoutMs
  const ends = (framework.disconnectedAtMs ?? Infinity) + timeoutMs
  const isNew = framework.session === ''
  return isNew ? Math.max(ends, leadership.electedAtMs + settings.frameworkTimeoutMs) : ends
}
