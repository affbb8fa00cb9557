import type { Reason } from '../allocator/reasons.js'

/** What each reason says, of the agents that it stops. For the page and the command line. */
export const reasonTexts: Readonly<Record<Reason, string>> = {
  'framework-inactive': 'the framework is not connected',
  suppressed: 'the framework has suppressed this role',
  'no-demand': 'the framework declares that it needs nothing more',
  'agent-unreachable': 'the master does not hear the agent',
  'agent-draining': 'the agent is being drained',
  'agent-deactivated': 'the agent is deactivated',
  'agent-unwell': 'the agent cannot run what it has, as it says',
  'not-whitelisted': "the agent's host name is not on the whitelist",
  capability: 'the agent has what the framework has no capability for',
  constraint: "the agent is not as the framework's constraints ask",
  'reserved-for-other-role': 'what is free is reserved for other roles',
  'role-over-limit': 'the role, or one above it, is at the limit of its quota',
  headroom: 'what is free is kept for the guarantees of other roles',
  'below-minimum': 'what is left is less than the minimum',
  'does-not-fit': 'nothing that the framework declares fits whole',
  filtered: 'the framework has refused it, and its filter holds',
  'lower-share-first': 'a role or framework with a smaller share comes first',
  'offered-to-other': 'it is offered to others now',
  'next-cycle': 'nothing is in the way: the next cycle offers it',
  offered: 'the framework has an offer of it now',
}
