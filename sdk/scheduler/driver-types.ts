import type { MessageOf } from '../protocol/codec.js'
import type { Demand } from '../protocol/demand.js'
import type { Envelope } from '../protocol/envelope.js'
import type { ErrorCode, ProtocolError } from '../protocol/errors.js'
import type { FrameworkInfo, leaderToFramework, OfferConstraints } from '../protocol/framework.js'
import type { AgentId, OfferId, SessionId, TaskId } from '../protocol/ids.js'
import type { InverseOffer } from '../protocol/inverse-offer.js'
import type { Offer } from '../protocol/offer.js'
import type { Reply } from '../protocol/reply.js'
import type { TaskStatus } from '../protocol/task.js'
import type { Millis } from '../runtime/clock.js'

/** What a scheduler can ask of the leader. */
export type CallKind =
  | 'accept'
  | 'decline'
  | 'demand'
  | 'update'
  | 'answer-inverse-offers'
  | 'suppress'
  | 'unsuppress'
  | 'clear-filters'
  | 'revive'
  | 'kill'
  | 'reconcile'
  | 'teardown'

/** What a driver is told. */
export type DriverInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'call'; readonly callId: string; readonly call: CallKind; readonly body: object }
  | { readonly kind: 'message'; readonly message: MessageOf<typeof leaderToFramework> }
  | { readonly kind: 'beacon'; readonly epoch: number }
  | { readonly kind: 'bad-message'; readonly error: ProtocolError }
  /** The author's handler has dealt with an update: it may be acknowledged. */
  | {
      readonly kind: 'handled'
      readonly taskId: TaskId
      readonly agentId: AgentId
      readonly sequence: number
    }
  /** The author's handler has failed: the update is to come again. */
  | { readonly kind: 'unhandled'; readonly taskId: TaskId }
  /** A call cannot be sent, e.g. because it is too large for a message. */
  | { readonly kind: 'unsendable'; readonly callId: string; readonly message: string }
  | { readonly kind: 'reconnected' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'close' }

/** What an author hears of. */
export type DriverEvent =
  | { readonly kind: 'subscribed'; readonly epoch: number }
  | { readonly kind: 'disconnected'; readonly reason: string }
  | { readonly kind: 'offers'; readonly offers: readonly Offer[] }
  | { readonly kind: 'rescinded'; readonly offerIds: readonly OfferId[]; readonly reason: string }
  | { readonly kind: 'inverse-offers'; readonly inverseOffers: readonly InverseOffer[] }
  | {
      readonly kind: 'inverse-rescinded'
      readonly inverseOfferIds: readonly OfferId[]
      readonly reason: string
    }
  | { readonly kind: 'update'; readonly status: TaskStatus }
  /** The end: another instance took over, the framework was removed, or it was refused. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/** What a driver wants done. */
export type DriverCommand =
  | { readonly kind: 'send'; readonly envelope: Envelope }
  | { readonly kind: 'event'; readonly event: DriverEvent }
  | { readonly kind: 'settle'; readonly callId: string; readonly reply: Reply }
  | { readonly kind: 'log'; readonly level: 'debug' | 'warn'; readonly message: string }

export interface DriverSettings {
  readonly framework: FrameworkInfo
  readonly session: SessionId
  readonly startedAtMs: Millis
  readonly suppressedRoles: readonly string[]
  readonly offerConstraints?: OfferConstraints
  readonly demands?: readonly Demand[]
}

/** A task, and where it is or was, if that is known. */
export interface TaskPlace {
  readonly taskId: TaskId
  readonly agentId?: AgentId | undefined
}
