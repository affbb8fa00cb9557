import type { AgentHealth, leaderToAgent, LogChunk, MessageOf, ProtocolError } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import type {
  ContainerExit,
  ContainerStartReason,
  StartedContainer,
  TaskKey as ContainerKey,
} from '../containerizer/containerizer.js'
import type { AgentCommand } from './commands.js'

/** What an agent is told, one at a time, each with the time at which it came. */
export type AgentInput =
  /** The containers of the checkpointed tasks have been looked for; these run. */
  | {
      readonly kind: 'recovered'
      readonly running: readonly StartedContainer[]
      /** What runs, or is left over, and belongs to none of these tasks. */
      readonly orphans?: readonly ContainerKey[]
    }
  /** As in `recovered`, found later: an engine answers that did not. */
  | { readonly kind: 'orphans-found'; readonly orphans: readonly ContainerKey[] }
  /** Whether it can run what it offers. */
  | { readonly kind: 'health'; readonly health: AgentHealth }
  | { readonly kind: 'message'; readonly message: MessageOf<typeof leaderToAgent> }
  | { readonly kind: 'bad-message'; readonly error: ProtocolError; readonly call?: string }
  /** The first of `undone`, a checkpoint, could not be written, and what follows was not done. The next input after it. */
  | { readonly kind: 'not-stored'; readonly reason: string; readonly undone: readonly AgentCommand[] }
  /** A `checkpoint-again` was done. */
  | { readonly kind: 'stored-again' }
  | {
      readonly kind: 'beacon'
      readonly epoch: number
      readonly registerWithinMs?: Millis | undefined
      readonly agentHeartbeatMs?: Millis | undefined
    }
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'pulling'; readonly task: ContainerKey; readonly image: string }
  | { readonly kind: 'started'; readonly container: StartedContainer }
  | {
      readonly kind: 'start-failed'
      readonly task: ContainerKey
      readonly reason: ContainerStartReason
      readonly message: string
    }
  | { readonly kind: 'exited'; readonly exit: ContainerExit }
  /** A part of a log has been read, or could not be. */
  | {
      readonly kind: 'log-read'
      readonly call: string
      readonly chunk: Omit<LogChunk, 'ended'>
      readonly task: ContainerKey
    }
  | { readonly kind: 'log-failed'; readonly call: string; readonly message: string }
  /** The operator wants the tasks ended together with this agent. */
  | { readonly kind: 'stop-tasks' }
  | { readonly kind: 'tick' }

export type TimedInput = AgentInput & { readonly now: Millis }
