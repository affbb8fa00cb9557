import type { FrameworkId, LogChunk, Reply, TaskId } from '@tender/sdk/protocol'
import type { Series } from '../allocator/types.js'
import type { OperatorCall } from '../core/operator-calls.js'
import type {
  AgentView,
  CompletedFrameworkView,
  Explanation,
  FrameworkView,
  LeaderView,
  OfferView,
  RoleView,
  StateView,
  TaskView,
} from '../core/view.js'

export interface ExplainQuery {
  readonly frameworkId: string
  /** Absent: all roles of the framework. */
  readonly role?: string | undefined
  /** Absent: all agents. */
  readonly agentId?: string | undefined
}

/** Of each kind, the states in which there are some, with how many. */
export interface StateCounts {
  readonly agents: ReadonlyMap<string, number>
  /** Of the agents, those that say that they cannot run what they have. */
  readonly unwellAgents: number
  readonly frameworks: ReadonlyMap<string, number>
  /** Ended ones as far as they are remembered. */
  readonly tasks: ReadonlyMap<string, number>
  readonly outstandingOffers: number
}

export type LogStream = 'stdout' | 'stderr'

/**
 * What the web endpoint needs of the running master. All but `readLog` and `operate` answer at once from memory, and belong
 * together: what is read within one turn of the event loop is one moment of the cluster.
 */
export interface MasterPort {
  /** Whether this master leads. When it does not, only `leader` and `problems` are asked. */
  isLeader(): boolean
  /** The leader as far as it is known. While this master does not lead, it is another one, or undefined. */
  leader(): LeaderView | undefined
  /** What keeps this master from its work, a sentence each, such as `not connected to NATS`. None: it is healthy. */
  problems(): readonly string[]

  state(): StateView
  agents(): readonly AgentView[]
  agent(agentId: string): AgentView | undefined
  frameworks(): readonly FrameworkView[]
  framework(frameworkId: string): FrameworkView | undefined
  /** Ended for good, newest first, as far as they are remembered. */
  completedFrameworks(): readonly CompletedFrameworkView[]
  roles(): readonly RoleView[]
  role(role: string): RoleView | undefined
  /** The outstanding ones. */
  offers(): readonly OfferView[]
  /** An outstanding one, or a recent one that has ended. */
  offer(offerId: string): OfferView | undefined
  tasks(): readonly TaskView[]
  /** All tasks of this id: a task's id is unique only within its framework. */
  tasksOfId(taskId: string): readonly TaskView[]

  /** How many there are: to make views of a hundred thousand tasks only to count them would hold up all else. */
  counts(): StateCounts

  /** The allocator's figures as they are now. */
  allocatorSeries(): readonly Series[]

  /** Why a framework has no more offers; undefined when there is no such framework. */
  explain(query: ExplainQuery): Explanation | undefined

  /**
   * Does what an operator asks, and answers when it is stored. The result is a `ChangesView`; what is refused has
   * changed nothing.
   */
  operate(call: OperatorCall): Promise<Reply>

  /**
   * Reads a task's output through its agent. A negative offset counts from the end.
   * @throws ProtocolError `unknown-task`, `agent-unavailable` or `timeout`
   */
  readLog(
    task: { readonly frameworkId: FrameworkId; readonly taskId: TaskId },
    stream: LogStream,
    offset: number,
    maxBytes: number,
  ): Promise<LogChunk>
}
