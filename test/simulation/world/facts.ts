import type { AgentInfo, Envelope, Peer, Reply, TaskInfo, TaskStatus } from '@tender/sdk/protocol'
import type { AgentTaskState } from '../../../agent/core/task.js'
import type { OperatorCall } from '../../../master/core/operator-calls.js'
import type { ClusterEvent } from '../../../master/core/view.js'
import type { Fault } from '../plan/fault.js'

/** A task, as one text: `framework/task`. */
export type Key = string

export function keyOf(task: { readonly frameworkId: string; readonly taskId: string }): Key {
  return `${task.frameworkId}/${task.taskId}`
}

/** Why a container has ended. */
export type EndCause = 'by-itself' | 'stopped' | 'orphan' | 'vanished'

/** What can be seen from outside: told to the oracles as it happens. */
export type Fact =
  | { readonly kind: 'process-started'; readonly process: string; readonly life: number }
  | { readonly kind: 'process-ended'; readonly process: string; readonly life: number }
  | { readonly kind: 'elected'; readonly process: string; readonly epoch: number }
  | { readonly kind: 'deposed'; readonly process: string; readonly epoch: number }
  | {
      readonly kind: 'leader-sent'
      readonly epoch: number
      readonly peer: Peer
      readonly envelope: Envelope
    }
  | { readonly kind: 'leader-event'; readonly epoch: number; readonly event: ClusterEvent }
  | {
      readonly kind: 'agent-registers'
      readonly agentId: string
      readonly info: AgentInfo
    }
  /** An agent's core has taken an order of this epoch. */
  | { readonly kind: 'agent-obeys'; readonly agentId: string; readonly life: number; readonly epoch: number }
  | { readonly kind: 'checkpointed'; readonly agentId: string; readonly task: AgentTaskState }
  | { readonly kind: 'forgotten'; readonly agentId: string; readonly key: Key }
  /** A record of the checkpoint was lost or damaged: all that it said is gone. */
  | { readonly kind: 'record-lost'; readonly agentId: string; readonly key: Key }
  | {
      readonly kind: 'container-started'
      readonly agentId: string
      readonly key: Key
      readonly info: TaskInfo
    }
  | { readonly kind: 'stop-ordered'; readonly agentId: string; readonly key: Key; readonly isOrphan: boolean }
  | {
      readonly kind: 'container-ended'
      readonly agentId: string
      readonly key: Key
      readonly cause: EndCause
      /** Undefined when the engine has lost it. */
      readonly exitCode: number | undefined
    }
  /** A framework's handler is given a status. */
  | {
      readonly kind: 'told'
      readonly frameworkId: string
      readonly process: string
      readonly life: number
      readonly status: TaskStatus
    }
  /** What follows from an update is stored: it may be acknowledged. */
  | { readonly kind: 'handled'; readonly frameworkId: string; readonly status: TaskStatus }
  | {
      readonly kind: 'offered'
      readonly frameworkId: string
      readonly process: string
      readonly life: number
      readonly offerIds: readonly string[]
    }
  /** The framework wants this task, and says so in an accept. */
  | { readonly kind: 'launch-asked'; readonly key: Key }
  /** The leader has answered that it was not launched, for certain. */
  | { readonly kind: 'launch-refused'; readonly key: Key; readonly code: string }
  | { readonly kind: 'kill-asked'; readonly key: Key }
  /** Answered as done. */
  | { readonly kind: 'volume-made'; readonly agentId: string; readonly volumeId: string }
  /** The framework destroys it, or is about to. */
  | { readonly kind: 'volume-unwanted'; readonly agentId: string; readonly volumeId: string }
  | { readonly kind: 'operator-asked'; readonly call: OperatorCall }
  | { readonly kind: 'operator-answered'; readonly call: OperatorCall; readonly reply: Reply | undefined }
  | { readonly kind: 'fault-begins'; readonly fault: Fault }
  | { readonly kind: 'fault-ends'; readonly fault: Fault }
  /** All faults have ended; what is left has to come right by itself. */
  | { readonly kind: 'healed' }

export type FactOf<K extends Fact['kind']> = Extract<Fact, { readonly kind: K }>
