import type { Envelope, Peer, Reply } from '@tender/sdk/protocol'
import type { LogFields } from '@tender/sdk/runtime'
import type { RegistryRecord } from '../registry/records.js'
import type { ClusterEvent } from './view.js'

/** What a master wants done. The shell performs them in the order given. */
export type MasterCommand =
  | { readonly kind: 'send'; readonly peer: Peer; readonly envelope: Envelope }
  /** Write all of these; the outcome comes back as `stored` with the ticket. Nothing that depends on it is sent before. */
  | { readonly kind: 'store'; readonly ticket: number; readonly records: readonly RegistryRecord[] }
  | { readonly kind: 'event'; readonly event: ClusterEvent }
  /** The answer to a request that came in through the web endpoint. */
  | { readonly kind: 'answer'; readonly requestId: string; readonly reply: Reply }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: LogFields
    }
