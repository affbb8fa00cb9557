/**
 * Why a framework has no offer of an agent in a role, from what stops it wherever it looks to what stops it here and
 * now: the first that holds is told, and of several roles the furthest. Competition comes last, so that a reason says
 * what would stop the framework even if it were alone. Each stands in docs/allocation.md.
 */
export const reasons = [
  'framework-inactive',
  'suppressed',
  'no-demand',
  'agent-unreachable',
  'agent-draining',
  'agent-deactivated',
  'agent-unwell',
  'not-whitelisted',
  'capability',
  'constraint',
  'reserved-for-other-role',
  'role-over-limit',
  'headroom',
  'below-minimum',
  'does-not-fit',
  'filtered',
  'lower-share-first',
  'offered-to-other',
  /** Nothing is in the way: the next cycle will offer it. */
  'next-cycle',
  /** It has an offer of this agent now. */
  'offered',
] as const

export type Reason = (typeof reasons)[number]
