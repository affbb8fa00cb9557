import { agentId, frameworkId, offerId } from './ids.js'
import { type Infer, object, oneOf, optional, string } from './schema.js'
import { durationMs, timestampMs } from './values.js'

/** When an agent will not be there. */
export const unavailability = object({
  startMs: timestampMs,
  /** Absent: for good, or until somebody says otherwise. */
  durationMs: optional(durationMs),
})

/**
 * A request to a framework to leave an agent, on which it holds offers or tasks, before a window begins. It is advice:
 * tasks are not touched by it. Of a drain with a grace, `startMs` is its end, and tasks that are still there then are
 * killed; of one without, it is the drain's beginning, and no task is killed.
 */
export const inverseOffer = object({
  inverseOfferId: offerId,
  frameworkId,
  agentId,
  hostname: string(),
  reason: oneOf(['maintenance', 'drain']),
  unavailability,
})

export const inverseOfferAnswers = ['accepted', 'declined'] as const

export type Unavailability = Infer<typeof unavailability>
export type InverseOffer = Infer<typeof inverseOffer>
