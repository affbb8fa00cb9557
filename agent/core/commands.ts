import type { AgentInfo, Envelope, FrameworkId, TaskId, TaskInfo } from '@tender/sdk/protocol'
import type { LogFields } from '@tender/sdk/runtime'
import type { TaskKey as ContainerKey } from '../containerizer/containerizer.js'
import type { AgentTaskState } from './task.js'

/**
 * What an agent wants done. The shell performs them in the order given, and a checkpoint is on the disk before what
 * follows it: an update is stored before it is sent. If one cannot be written, the shell performs nothing that follows
 * it, and gives that back by the input `not-stored`, before any other input.
 */
export type AgentCommand =
  | { readonly kind: 'checkpoint'; readonly task: AgentTaskState }
  /** The disk could not be written: tries again, with all that waits for it. The last command of its step. */
  | { readonly kind: 'checkpoint-again'; readonly tasks: readonly AgentTaskState[] }
  | { readonly kind: 'forget'; readonly task: ContainerKey }
  /** What the leader has made of the agent's resources. */
  | {
      readonly kind: 'checkpoint-resources'
      readonly resources: AgentInfo['resources']
      readonly revision: number
    }
  | { readonly kind: 'send'; readonly envelope: Envelope }
  | { readonly kind: 'start'; readonly frameworkId: FrameworkId; readonly info: TaskInfo }
  | { readonly kind: 'stop'; readonly task: ContainerKey; readonly graceMs: number }
  | { readonly kind: 'remove'; readonly task: ContainerKey }
  /** The leader has confirmed that nobody waits for it: ended if it runs, and removed. */
  | { readonly kind: 'remove-orphan'; readonly task: ContainerKey }
  | {
      readonly kind: 'read-log'
      readonly call: string
      readonly frameworkId: FrameworkId
      readonly taskId: TaskId
      readonly stream: 'stdout' | 'stderr'
      readonly offset: number
      readonly maxBytes: number
    }
  /** The leader refuses this agent: there is no use in going on. */
  | { readonly kind: 'give-up'; readonly reason: string }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: LogFields
    }
