import { type Infer, oneOf } from './schema.js'

/** Why a call was not done. What each means stands in docs/protocol.md. */
export const errorCodes = [
  'malformed',
  'unsupported-version',
  'stale-epoch',
  'not-registered',
  'not-subscribed',
  'replaced',
  'torn-down',
  'invalid-agent',
  'invalid-framework',
  'invalid-role',
  'invalid-quota',
  'invalid-resources',
  'invalid-constraints',
  'invalid-demand',
  'invalid-operation',
  'invalid-offer',
  'stale-offer',
  'not-your-offer',
  'offers-differ',
  'insufficient-resources',
  'invalid-task',
  'duplicate-task',
  'unknown-task',
  'unknown-agent',
  'unknown-framework',
  'unknown-reservation',
  'quota-unsatisfiable',
  'quota-exceeded',
  'resources-in-use',
  'unknown-role',
  'unknown-kind',
  'registry-unavailable',
  'agent-unavailable',
  'not-leader',
  'timeout',
  'closed',
] as const

export const errorCode = oneOf(errorCodes)
export type ErrorCode = Infer<typeof errorCode>

/** A peer's mistake, or what became of a call: a code for programs and a sentence for people. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
