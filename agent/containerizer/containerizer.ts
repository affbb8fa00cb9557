import type { AgentHealth } from '@tender/sdk/protocol'

/**
 * Identifies a task to a containerizer. Task ids are unique within a framework only, so both are needed.
 */
export interface TaskKey {
  readonly frameworkId: string
  readonly taskId: string
}

/** A container port made reachable through a port of the host. */
export interface PortMapping {
  readonly containerPort: number
  /** A port that the task's offer carried. */
  readonly hostPort: number
  readonly protocol: 'tcp' | 'udp'
}

/** All that a containerizer needs to know to run one task. */
export interface ContainerSpec extends TaskKey {
  /** Program and arguments. Empty: the image's own command. */
  readonly command: readonly string[]
  /** Environment added to the containerizer's own. */
  readonly env: Readonly<Record<string, string>>
  /** Absent: a plain process on the host. */
  readonly image?: string
  /** Always pull, even if the image is present. */
  readonly forcePull: boolean
  /** Docker only: the network mode; `bridge` is the agent's own labelled network. */
  readonly network: 'bridge' | 'host' | 'none'
  readonly portMappings: readonly PortMapping[]
  /** CPUs in thousandths, e.g. 500 is half a CPU. 0: no limit. */
  readonly cpuMillis: number
  /** Memory in MiB. 0: no limit. */
  readonly memMb: number
  readonly labels: Readonly<Record<string, string>>
  /** An absolute path, made by the agent before `start`; holds the files `stdout` and `stderr`. */
  readonly sandbox: string
}

/**
 * What is needed to find a container again after a restart of the agent. Plain data that is checkpointed: for docker
 * the container's id, for a process its pid together with what tells it from a later process with the same pid.
 */
export type ContainerHandle =
  | { readonly kind: 'docker'; readonly containerId: string }
  | { readonly kind: 'process'; readonly pid: number; readonly startTime: string; readonly bootId: string }

export interface StartedContainer extends TaskKey {
  readonly handle: ContainerHandle
  /** The container's own address on its network, when it has one. */
  readonly ipAddress?: string
}

/** A task that the agent's checkpoint names, and that has not ended as far as the agent knows. */
export interface AdoptableTask extends TaskKey {
  /** Absent when the agent stopped while the task was being started. */
  readonly handle?: ContainerHandle
  readonly sandbox: string
}

/** How a container ended. */
export interface ContainerExit extends TaskKey {
  /** Absent when it cannot be known (e.g. the container was removed by somebody else). 128 + n for signal n. */
  readonly exitCode?: number
  /** The kernel killed it because it used more memory than its limit. */
  readonly outOfMemory: boolean
  /** A sentence for people when there is more to say than the exit code, e.g. `container was removed`. */
  readonly message?: string
}

export type ContainerStartReason =
  | 'image-not-found'
  | 'image-pull-failed'
  | 'command-not-found'
  | 'port-taken'
  | 'start-failed'
  /** `stop` came while the task was still being started, e.g. while its image was being pulled. */
  | 'stopped'

/** Why a container could not be started. The message names what was wrong, what is allowed and what came. */
export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError'
  readonly reason: ContainerStartReason
  constructor(reason: ContainerStartReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** What a containerizer tells its owner while it works. */
export interface ContainerizerEvents {
  /** Exactly once for each container that `start` or `adopt` gave, when it has ended. */
  exited(exit: ContainerExit): void
  /** The image is not here and is being pulled; purely informative. */
  pulling(task: TaskKey, image: string): void
  /** A task that `adopt` could not find, since its engine did not answer, has been found now, and runs. */
  adopted(container: StartedContainer): void
  /** As the answer of `orphans`, which could not be given when it was asked for. */
  orphansFound(orphans: readonly TaskKey[]): void
  /** Whether tasks can be started: told when it is known first, and when it has changed. */
  health(health: AgentHealth): void
}

/**
 * Runs tasks. Two implementations, docker and process, are held to the same tests.
 * A method may be called for several tasks at a time; for one task the agent calls them one after another.
 * Whatever the task writes to its standard output and error is in the sandbox's files `stdout` and `stderr`, complete
 * by the time that `exited` is told, also across a restart of the agent.
 */
export interface Containerizer {
  readonly kind: 'docker' | 'process' | 'composite'
  /**
   * Starts the task and resolves when it runs. Leaves nothing behind when it fails. A second start of a task that runs
   * gives the one that runs; of a task that has ended, it fails until `remove` was called.
   * @throws ContainerStartError
   */
  start(spec: ContainerSpec): Promise<StartedContainer>
  /**
   * Asks the task to end (SIGTERM), and ends it (SIGKILL) if it has not after `graceMs`. Resolves when that is under
   * way; the end itself is told by `exited`. Does nothing for a task that has ended or is unknown. The one call that
   * may come while `start` of the same task is under way: `start` then fails with reason `stopped`, or the task ends as
   * soon as it runs if it was too late for that.
   */
  stop(task: TaskKey, graceMs: number): Promise<void>
  /**
   * After a restart of the agent: finds these tasks again, watches those that run and tells `exited` for those that
   * have ended meanwhile. Tasks with a handle that is no longer there are told as exited without an exit code.
   * A task without a handle (the agent stopped while it was being started) is looked for by its labels or its
   * sandbox; if it is not there it is told as exited with `message: 'was never started'`.
   * Resolves with the handles of those that run. An engine that does not answer is waited for after that: nothing is
   * told of its tasks until it does, then `adopted` or `exited`.
   */
  adopt(tasks: readonly AdoptableTask[]): Promise<StartedContainer[]>
  /**
   * After `adopt`: what runs, or is left over, of this agent's tasks other than these. Their records were lost. A start
   * of such a task gives the one that runs.
   */
  orphans(known: readonly TaskKey[]): Promise<TaskKey[]>
  /** Ends an orphan as `stop` does, and removes what is left of it, however long that takes. Safe to repeat. */
  removeOrphan(task: TaskKey, graceMs: number): Promise<void>
  /** Frees what the engine still holds of an ended task (docker: the container). The sandbox stays. Safe to repeat. */
  remove(task: TaskKey): Promise<void>
  /** Stops watching; containers run on. */
  close(): Promise<void>
}
