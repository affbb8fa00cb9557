import type { Beacon } from '@tender/sdk/protocol'
import type { MasterState } from './state.js'

/** An agent's registration, with ten tasks, takes a leader about so long; they are spread accordingly. */
const registerMsPerAgent = 0.1
/** So few agents that the leader need not be spared. */
const fewMs = 20
/** Above some thousand agents, heartbeats come less often, so that all together take the same share of a core. */
const heartbeatMsPerAgent = 0.4
/** Of the timeout: two heartbeats may be lost, or one and a half be late, before an agent counts as silent. */
const longestHeartbeatShare = 0.4

/** How often agents are to be heard of: silence is found as fast in a large cluster as in a small one. */
export function agentHeartbeatMs({ agents, settings }: MasterState): number {
  const { agentHeartbeatMs: asked, agentTimeoutMs } = settings
  const longest = Math.max(asked, agentTimeoutMs * longestHeartbeatShare)
  return Math.round(Math.min(Math.max(asked, agents.size * heartbeatMsPerAgent), longest))
}

/** What the leader says to everybody. */
export function beaconOf(state: MasterState): Beacon {
  const { masterId, httpUrl } = state.leadership
  const registerWithinMs = Math.round(state.agents.size * registerMsPerAgent)
  return {
    masterId,
    httpUrl,
    ...(registerWithinMs < fewMs ? {} : { registerWithinMs }),
    agentHeartbeatMs: agentHeartbeatMs(state),
  }
}
