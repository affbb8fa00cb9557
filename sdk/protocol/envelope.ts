import { sessionId } from './ids.js'
import { anything, type Infer, integer, object, optional, string } from './schema.js'

/**
 * This version of the protocol. Version 2 has added fields only: orphans and health of agents, the agent of an accept,
 * since when a framework is subscribed.
 */
export const protocolVersion = 2

/**
 * The oldest version that is understood, the one before. Each end of a link speaks what the other one can read: the
 * leader answers in the version in which it was spoken to, and what goes to everybody or to a stranger is in this one.
 * Any other version is answered `unsupported-version`.
 */
export const oldestProtocolVersion = 1

/**
 * What every message is wrapped in. A link is the pair of a peer (an agent or a framework) and the leader; each end has
 * a session, and numbers what it sends on the link from 1. A gap, a new session or a new epoch leads to a
 * resynchronisation, never to a guess.
 */
export const envelope = object({
  v: integer({ minimum: 1, description: 'version of the protocol' }),
  kind: string({ minLength: 1, maxLength: 40, description: 'which message this is' }),
  session: sessionId,
  sequence: integer({ minimum: 1, description: "this message's number in its session and direction" }),
  epoch: integer({
    minimum: 0,
    description: "the leader's election; from a peer: the newest it knows, 0 for none",
  }),
  to: optional(
    string({ maxLength: 63, description: 'the session it is meant for; an older instance lets it pass' }),
  ),
  call: optional(
    string({ minLength: 1, maxLength: 63, description: 'asks for an answer; the answer carries the same' }),
  ),
  body: anything(),
})

export type Envelope = Infer<typeof envelope>

/** The last message that an end has taken from the other one. */
export const received = object({
  session: string({ maxLength: 63, description: 'empty: none yet' }),
  sequence: integer({ minimum: 0 }),
})

export type Received = Infer<typeof received>
