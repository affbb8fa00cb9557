import { domain } from './agent.js'
import { agentId, frameworkId, offerId } from './ids.js'
import { unavailability } from './inverse-offer.js'
import { array, type Infer, object, oneOf, optional, string } from './schema.js'
import { attributes, durationMs, resources, timestampMs } from './values.js'

/** Resources of one agent, shown to one framework in one role. */
export const offer = object({
  offerId,
  frameworkId,
  role: string(),
  agentId,
  /** The name or address at which the agent's host is reached. */
  hostname: string(),
  resources,
  attributes,
  domain: optional(domain),
  /** The agent's next window of maintenance. */
  unavailability: optional(unavailability),
  /** What the agent can run: `docker` for tasks with a container, `process` for those without. */
  containerizers: array(oneOf(['docker', 'process'])),
  madeAtMs: timestampMs,
  /** When it is taken back if it is not answered. Absent: never. */
  expiresAtMs: optional(timestampMs),
})

/** What is refused with a decline, or with the unused rest of an accept: not offered again for this long. */
export const filter = object({
  refuseMs: optional({ ...durationMs, description: 'how long; 5000 unless told, 0 for no filter' }),
})

export type Offer = Infer<typeof offer>
export type Filter = Infer<typeof filter>

/** Mesos' default (`refuse_seconds` 5.0). */
export const defaultRefuseMs = 5_000

export const offerOutcomes = ['accepted', 'declined', 'rescinded', 'expired'] as const
export type OfferOutcome = (typeof offerOutcomes)[number]
