import { string } from './schema.js'

declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]?: Name }

/** Made by the agent at its first start and kept in its checkpoint. */
export type AgentId = Id<'agent'>
/** A stable name that the framework's author chooses. */
export type FrameworkId = Id<'framework'>
/** Chosen by the framework; runs at most once, and is never used again. Unique within its framework. */
export type TaskId = Id<'task'>
/** Made by the leader; holds its epoch, so that an offer of an older leader is recognised. */
export type OfferId = Id<'offer'>
/** One life of one end of a link. */
export type SessionId = Id<'session'>

// One token of a NATS subject each: no dot, no wildcard, no space.
const token = '^[A-Za-z0-9][A-Za-z0-9_-]*$'

export const agentId = string<AgentId>({
  pattern: token,
  maxLength: 63,
  description: 'letters, digits, _ and -, at most 63',
})
export const frameworkId = string<FrameworkId>({
  pattern: token,
  maxLength: 63,
  description: 'letters, digits, _ and -, at most 63',
})
export const offerId = string<OfferId>({ minLength: 1, maxLength: 63 })
export const sessionId = string<SessionId>({ minLength: 1, maxLength: 63 })
// A task's id also names its sandbox: a dot is welcome, but not at the start.
export const taskId = string<TaskId>({
  pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]*$',
  maxLength: 200,
  description: 'letters, digits, _, - and (not first) dots, at most 200',
})
