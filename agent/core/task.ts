import type { FrameworkId, StatusReason, TaskId, TaskInfo, TaskStatus } from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { isTerminal, type TaskState } from '@tender/sdk/values'
import type { ContainerHandle } from '../containerizer/containerizer.js'

/** Task ids are unique within their framework. */
export type TaskKey = string

export function taskKey(frameworkId: FrameworkId, taskId: TaskId): TaskKey {
  return `${frameworkId}/${taskId}`
}

export function keyOf(task: AgentTaskState): TaskKey {
  return taskKey(task.frameworkId, task.info.taskId)
}

export type KillReason = 'KILLED_BY_FRAMEWORK' | 'AGENT_STOPPED'

/** All that an agent knows of a task; its checkpoint. Plain data. */
export interface AgentTaskState {
  readonly frameworkId: FrameworkId
  readonly role: string
  readonly info: TaskInfo
  readonly launchedAtMs: Millis
  /** When its framework first subscribed, as the launch said. */
  readonly frameworkSince?: Millis | undefined
  state: TaskState
  /** Where its container or process is, once it runs. */
  handle: ContainerHandle | undefined
  /** It is to end, and why: its end is KILLED, whatever the exit code. */
  killReason: KillReason | undefined
  /** The number of its last update. */
  lastSequence: number
  /** Updates that are not acknowledged, oldest first. */
  updates: TaskStatus[]
  /** The last update, acknowledged or not. */
  lastStatus: TaskStatus | undefined
}

type Launched = Pick<AgentTaskState, 'frameworkId' | 'role' | 'info' | 'launchedAtMs' | 'frameworkSince'>

export function newTask(launched: Launched): AgentTaskState {
  return {
    ...launched,
    state: 'STAGING',
    handle: undefined,
    killReason: undefined,
    lastSequence: 0,
    updates: [],
    lastStatus: undefined,
  }
}

export interface Happening {
  readonly state: TaskState
  readonly reason?: StatusReason
  readonly message?: string
  readonly exitCode?: number
  readonly ipAddress?: string
}

/** Something happened to the task: its state, and the update that tells of it. A task that has ended stays as it is. */
export function report(task: AgentTaskState, happening: Happening, now: Millis): TaskStatus | undefined {
  if (isTerminal(task.state)) return undefined
  task.state = happening.state
  task.lastSequence += 1
  const status: TaskStatus = {
    frameworkId: task.frameworkId,
    taskId: task.info.taskId,
    sequence: task.lastSequence,
    timestampMs: now,
    source: 'agent',
    ...happening,
  }
  task.updates.push(status)
  task.lastStatus = status
  return status
}
