import type { Millis } from '@tender/sdk/runtime'
import type { MasterState } from './state.js'

/**
 * Whether a new leader must not offer yet: while it does not know what the roles with a quota hold, it could offer them
 * more than their limit. It waits for the agents that the registry knows, but no longer than for a silent one. (Mesos waits
 * for four fifths of them, or ten minutes.)
 */
export function isAllocationHeld(
  { recoveringAgents, allocator, leadership, settings }: MasterState,
  now: Millis,
): boolean {
  if (now >= leadership.electedAtMs + settings.agentTimeoutMs || !allocator.hasQuotas) return false
  return recoveringAgents.size > 0
}
