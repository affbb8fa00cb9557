import type {
  AgentId,
  agentToLeader,
  FrameworkId,
  frameworkToLeader,
  KnownOfRefused,
  MessageOf,
  Peer,
  ProtocolError,
} from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import type { OperatorCall } from './operator-calls.js'

/** What a master is told, one at a time, each with the time at which it came. */
export type MasterInput =
  | {
      readonly kind: 'agent-message'
      readonly agentId: AgentId
      readonly message: MessageOf<typeof agentToLeader>
    }
  | {
      readonly kind: 'framework-message'
      readonly frameworkId: FrameworkId
      readonly message: MessageOf<typeof frameworkToLeader>
    }
  /** Something came that is no message; whoever sent it is told. */
  | ({ readonly kind: 'bad-message'; readonly peer: Peer; readonly error: ProtocolError } & KnownOfRefused)
  /** The registry has written what the ticket stands for, or could not. */
  | { readonly kind: 'stored'; readonly ticket: number; readonly error?: string }
  | { readonly kind: 'read-log'; readonly requestId: string; readonly request: LogRequest }
  /** The connection to NATS was lost and is there again: silence meanwhile says nothing about the others. */
  | { readonly kind: 'reconnected' }
  /** An operator's call, answered by `answer` with the same id. */
  | { readonly kind: 'operator'; readonly requestId: string; readonly call: OperatorCall }
  /** Time has passed: what is due happens. */
  | { readonly kind: 'tick' }
  /** The allocator's tick now, apart from its schedule. */
  | { readonly kind: 'allocate' }

export type TimedInput = MasterInput & { readonly now: Millis }

/** A part of a task's standard output or error. A negative offset counts from the end. */
export interface LogRequest {
  readonly frameworkId: FrameworkId
  readonly taskId: string
  readonly stream: 'stdout' | 'stderr'
  readonly offset: number
  readonly maxBytes: number
}
