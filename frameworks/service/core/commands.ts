import type { AgentId, Offer, Task, TaskId } from '@tender/sdk'
import type { AppRecord, Write } from './records.js'

/** What became of a request to change an app. */
export type Answer =
  | { readonly ok: true; readonly app: AppRecord }
  /** `changed`: the app is not at the expected version any more; whoever asked may look again and retry. */
  | { readonly ok: false; readonly code: 'exists' | 'unknown' | 'changed'; readonly message: string }

/** All that the core can want done. */
export type Command =
  /** Make these durable, then say `stored`. Nothing that depends on them is commanded before that. */
  | { readonly kind: 'store'; readonly commit: number; readonly writes: readonly Write[] }
  /** Launch tasks on the offers of one agent. */
  | { readonly kind: 'accept'; readonly offers: readonly Offer[]; readonly tasks: readonly Task[] }
  | { readonly kind: 'decline'; readonly offers: readonly Offer[]; readonly refuseMs: number }
  | {
      readonly kind: 'kill'
      readonly taskId: TaskId
      readonly agentId: AgentId | undefined
      readonly graceMs: number | undefined
    }
  | { readonly kind: 'suppress' }
  | { readonly kind: 'revive' }
  /** With an empty list: all tasks that the leader knows of this framework. */
  | { readonly kind: 'reconcile'; readonly tasks: readonly { taskId: TaskId; agentId: AgentId }[] }
  | { readonly kind: 'answer'; readonly requestId: number; readonly answer: Answer }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn'
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>>
    }
