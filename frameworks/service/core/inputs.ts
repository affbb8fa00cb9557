import type { ErrorCode, LaunchResult, Offer, TaskId, TaskStatus } from '@tender/sdk'
import type { AppDefinition } from '../definition/index.js'
import type { AppRecord, InstanceRecord } from './records.js'

/**
 * What an app has to be for a change to be made: not there, or still at the version that the change was made from.
 */
export type Expected = 'absent' | { readonly version: string }

/** All that the core is ever told. */
export type Input =
  /** First of all: what an earlier run has stored. */
  | {
      readonly kind: 'recovered'
      readonly apps: readonly AppRecord[]
      readonly instances: readonly InstanceRecord[]
    }
  /** An app is created, changed or scaled; the definition has been validated. */
  | {
      readonly kind: 'put-app'
      readonly requestId: number
      readonly definition: AppDefinition
      readonly expected: Expected
    }
  | { readonly kind: 'delete-app'; readonly requestId: number; readonly appId: string }
  | { readonly kind: 'subscribed' }
  | { readonly kind: 'disconnected'; readonly reason: string }
  | { readonly kind: 'offers'; readonly offers: readonly Offer[] }
  | { readonly kind: 'update'; readonly status: TaskStatus }
  /** The reply to an accept: what became of each of its tasks. */
  | { readonly kind: 'launched'; readonly results: readonly LaunchResult[] }
  /** None of the tasks of an accept was launched; with code `timeout` or `closed` nobody knows. */
  | {
      readonly kind: 'accept-failed'
      readonly taskIds: readonly TaskId[]
      readonly code: ErrorCode
      readonly message: string
    }
  /** The writes of a `store` command are durable. */
  | { readonly kind: 'stored'; readonly commit: number }
  | { readonly kind: 'tick' }
