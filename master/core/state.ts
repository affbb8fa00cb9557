import type {
  AgentId,
  AgentInfo,
  FrameworkId,
  FrameworkInfo,
  InverseOffer,
  LinkEnd,
  Offer,
  OfferConstraints,
  OfferOutcome,
  Reply,
  SessionId,
  TaskId,
  TaskStatus,
  Unavailability,
} from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import type { Resources, TaskState } from '@tender/sdk/values'
import { type Allocator, defaultAllocatorSettings } from '../allocator/allocator.js'
import type { AllocatorSettings } from '../allocator/types.js'
import type { FrameworkRecord } from '../registry/records.js'
import type { OfferBook } from './offer-book.js'
import type { TaskBook } from './task-book.js'

export interface MasterSettings {
  /** An offer that is not answered is taken back after this; null: never. */
  readonly offerTimeoutMs: number | null
  readonly agentHeartbeatMs: number
  /** An agent that has been silent for this long is unreachable. */
  readonly agentTimeoutMs: number
  readonly frameworkHeartbeatMs: number
  /** A framework that has been silent for this long is disconnected: its offers come back. */
  readonly frameworkTimeoutMs: number
  /** When more than this share of the agents is silent at once, the master suspects its own link; 1: never. */
  readonly maxSilentShare: number
  /** At most so many agents become unreachable in a second. */
  readonly agentRemovalsPerSecond: number
  readonly allocator: AllocatorSettings
}

export const defaultMasterSettings: MasterSettings = {
  offerTimeoutMs: 60_000,
  agentHeartbeatMs: 2_500,
  agentTimeoutMs: 10_000,
  frameworkHeartbeatMs: 5_000,
  frameworkTimeoutMs: 15_000,
  maxSilentShare: 0.2,
  agentRemovalsPerSecond: 100,
  allocator: defaultAllocatorSettings,
}

/** Who this leader is. */
export interface Leadership {
  readonly cluster: string
  readonly masterId: string
  /** The revision that won the election; in every message. */
  readonly epoch: number
  readonly httpUrl: string
  readonly electedAtMs: Millis
  readonly version: string
}

/** A call to an agent that is sent again until it is answered. */
export interface AgentCall {
  readonly kind: 'launch' | 'kill' | 'set-resources'
  /** Of a launch or a kill. */
  readonly taskKey: TaskKey | undefined
  readonly body: object
  resendAtMs: Millis
  waitMs: number
}

export interface Agent {
  readonly agentId: AgentId
  info: AgentInfo
  total: Resources
  state: 'registered' | 'recovering' | 'unreachable'
  /** The session of the agent that is registered; messages of others are answered with a resynchronisation. */
  session: SessionId
  link: LinkEnd | undefined
  /** The call whose registration holds; the same one again is only answered again. */
  registerCall: string | undefined
  /** How often the one that is registered has been started; undefined: it does not tell. */
  starts: number | undefined
  /** Why it cannot run what it has; undefined: it can. */
  problem: string | undefined
  /** Silent while the master suspects its own link: not offered, and not given up. */
  isSilent: boolean
  readonly registeredAtMs: Millis
  heardAtMs: Millis
  unreachableAtMs: Millis | undefined
  /** By an operator's order, whether it is reachable or not. */
  order: AgentOrder
  unavailability: Unavailability | undefined
  /** By the call's id. */
  readonly calls: Map<string, AgentCall>
}

/** What operators have said about offers of an agent. */
export type AgentOrder =
  | { readonly condition: 'active' | 'deactivated' }
  | {
      readonly condition: 'draining'
      readonly startedAtMs: Millis
      /** When its tasks are killed; undefined: never by force. */
      readonly endsAtMs: Millis | undefined
      /** The end has come, and what was there has been killed. */
      readonly isOver: boolean
    }

export interface Framework {
  readonly frameworkId: FrameworkId
  info: FrameworkInfo
  state: 'connected' | 'disconnected'
  session: SessionId
  startedAtMs: Millis
  link: LinkEnd | undefined
  subscribedAtMs: Millis
  /** When the one that had this id before, and has ended, first subscribed. */
  endedSubscribedAtMs: Millis | undefined
  heardAtMs: Millis
  disconnectedAtMs: Millis | undefined
  suppressedRoles: ReadonlySet<string>
  offerConstraints: OfferConstraints
  /** The answers to its last calls, so that a repeated call has the effect of one. */
  readonly replies: Map<string, Reply>
  /** Calls whose answer comes when the registry has written. */
  readonly openCalls: Set<string>
  /** The call whose subscription holds; the same one again is only answered again. */
  subscribeCall: string | undefined
  /** As the registry has it; undefined: it does not. */
  record: FrameworkRecord | undefined
  /** Its end could not be stored: not tried again before this. */
  endAgainAtMs: Millis
}

/** A framework that has ended for good. One that subscribes under its id begins anew. */
export interface CompletedFramework {
  readonly info: FrameworkInfo
  /** Tells its tasks from those of a later one. */
  readonly subscribedAtMs: Millis
  /** Of its last instance, which is not let in again. */
  readonly startedAtMs: Millis
  readonly completedAtMs: Millis
  readonly reason: string
}

/** Too many agents are silent at once: the master suspects its own link. */
export interface Suspicion {
  readonly sinceMs: Millis
  /** How many were silent when it began. */
  readonly silentAgents: number
}

export interface OfferRecord {
  readonly offer: Offer
  readonly resources: Resources
  state: 'outstanding' | OfferOutcome
  endedAtMs: Millis | undefined
  reason: string | undefined
}

export interface InverseOfferRecord {
  readonly inverseOffer: InverseOffer
  readonly madeAtMs: Millis
  answer: 'accepted' | 'declined' | undefined
}

/** Task ids are unique within their framework. */
export type TaskKey = string

export function taskKey(frameworkId: FrameworkId, taskId: TaskId): TaskKey {
  return `${frameworkId}/${taskId}`
}

export interface Task {
  readonly key: TaskKey
  readonly taskId: TaskId
  readonly frameworkId: FrameworkId
  readonly agentId: AgentId
  readonly role: string
  readonly name: string
  /** As the books have them. */
  resources: Resources
  readonly labels: Readonly<Record<string, string>>
  readonly launchedAtMs: Millis
  /** When its framework first subscribed, as the launch said; undefined: it did not. */
  readonly frameworkSince: Millis | undefined
  state: TaskState
  /** The last status that the agent reported; none while it has not. */
  status: TaskStatus | undefined
  updatedAtMs: Millis
  /** Killed by the leader, for this; its agent knows only that it was told to. */
  killedFor: 'AGENT_DRAINING' | undefined
}

/** All that a leader knows. Changed only inside a step. */
export interface MasterState {
  readonly leadership: Leadership
  readonly settings: MasterSettings
  readonly allocator: Allocator
  readonly agents: Map<AgentId, Agent>
  readonly frameworks: Map<FrameworkId, Framework>
  /** Ended ones, oldest first, bounded. */
  readonly completedFrameworks: Map<FrameworkId, CompletedFramework>
  /** Those that are known from the registry, and have not been heard of since the election. */
  readonly recoveringAgents: Set<AgentId>
  /** Agents that an operator has removed for good. */
  readonly goneAgents: Set<AgentId>
  /** Roles with a weight or a quota of their own, which the allocator has. */
  readonly roles: Set<string>
  /** Only agents of these host names are offered; undefined: of all. */
  whitelist: readonly string[] | undefined
  /** Outstanding ones. */
  readonly offers: OfferBook
  /** Ended ones, newest last, bounded. */
  readonly endedOffers: OfferRecord[]
  /** By agent and framework: at most one each. */
  readonly inverseOffers: Map<AgentId, Map<FrameworkId, InverseOfferRecord>>
  /** Agents with a maintenance window or a drain. */
  readonly leavingAgents: Set<AgentId>
  suspicion: Suspicion | undefined
  /** Agents whose silence an operator has confirmed: they are away, whatever the share. */
  readonly confirmedSilent: Set<AgentId>
  /** How many agents may become unreachable now; filled up with time. */
  removalAllowance: number
  lastTickAtMs: Millis | undefined
  /** When silent agents are looked for next. */
  nextSilenceAtMs: Millis
  /** When the allocator's next tick is due. */
  nextAllocationAtMs: Millis
  /** Those that have not ended. */
  readonly tasks: TaskBook
  /** Accepted, and to be launched when the registry has written. */
  readonly launchingTasks: Set<TaskKey>
  /** Ended ones, oldest first, bounded. */
  readonly endedTasks: Map<TaskKey, Task>
}
