import {
  type AgentInfo,
  type AgentTask,
  defaultKillGraceMs,
  type leaderToAgent,
  LinkEnd,
  type MessageOf,
  type Registered,
  type Reply,
  type SessionId,
  type TaskInfo,
} from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { isTerminal, Resources } from '@tender/sdk/values'
import type { StartedContainer, TaskKey as ContainerKey } from '../containerizer/containerizer.js'
import { ending, startFailure } from './ending.js'
import type { AgentCommand } from './commands.js'
import type { AgentInput, TimedInput } from './inputs.js'
import { UnstartableTasks } from './unstartable.js'
import { Resends } from './resends.js'
import {
  type AgentTaskState,
  type Happening,
  type KillReason,
  newTask,
  report,
  type TaskKey,
  taskKey,
} from './task.js'

type LeaderMessage = MessageOf<typeof leaderToAgent>

export interface AgentSettings {
  /** Its resources as they were last checkpointed, if the leader had made reservations or volumes of them. */
  readonly info: AgentInfo
  readonly session: SessionId
}

/** Nothing heard of the leader for so long: register again. */
const silenceMs = 10_000
const firstRegisterMs = 250
const longestRegisterMs = 5_000

/**
 * An agent's care for its tasks, as a machine without clock, network, disk or containers: it registers, launches and
 * stops tasks as the leader orders, and resends what happened to them until the framework has acknowledged it. A task
 * is stopped only on an order, never because something is absent.
 */
export class Agent {
  readonly #settings: AgentSettings
  #info: AgentInfo
  readonly #link: LinkEnd
  readonly #tasks = new Map<TaskKey, AgentTaskState>()
  readonly #resends = new Resends()
  readonly #unstartable = new UnstartableTasks()
  #phase: 'recovering' | 'registering' | 'registered' = 'recovering'
  #epoch = 0
  #registerCount = 0
  #register = { call: '', resendAtMs: 0, waitMs: firstRegisterMs }
  #heardAtMs = 0
  #heartbeatMs = 2_500
  #heartbeatAtMs = 0

  /** @param tasks as they were checkpointed; none at the first start */
  constructor(settings: AgentSettings, tasks: readonly AgentTaskState[] = []) {
    this.#settings = settings
    this.#info = settings.info
    this.#link = new LinkEnd(settings.session)
    for (const task of tasks) this.#tasks.set(keyOf(task), task)
  }

  step(input: TimedInput): AgentCommand[] {
    return this.#handle(input, input.now)
  }

  /** Whether a task has not ended yet. */
  get isRunningTasks(): boolean {
    return [...this.#tasks.values()].some(task => !isTerminal(task.state))
  }

  /** All tasks that it cares for. */
  taskKeys(): ContainerKey[] {
    return [...this.#tasks.values()].map(({ frameworkId, info: { taskId } }) => ({ frameworkId, taskId }))
  }

  #handle(input: AgentInput, now: Millis): AgentCommand[] {
    switch (input.kind) {
      case 'recovered':
        return this.#recovered(input.running, now)
      case 'message':
        return this.#message(input.message, now)
      case 'bad-message':
        return [this.#log('warn', 'a message of the leader was refused', { error: input.error.message })]
      case 'beacon':
        return this.#beacon(input.epoch, now)
      case 'reconnected':
        return this.#phase === 'recovering' ? [] : this.#registerAgain(now)
      case 'pulling':
        return this.#happened(input.task, { state: 'STARTING', message: `pulling image ${input.image}` }, now)
      case 'started':
        return this.#started(input.container, now)
      case 'start-failed': {
        const task = this.#find(input.task)
        return task ? this.#happened(input.task, startFailure(task, input.reason, input.message), now) : []
      }
      case 'exited': {
        const task = this.#find(input.exit)
        return task ? this.#happened(input.exit, ending(task, input.exit), now) : []
      }
      case 'log-read': {
        const task = this.#find(input.task)
        const ended = !task || isTerminal(task.state)
        return [this.#send('reply', { ok: true, result: { ...input.chunk, ended } }, input.call)]
      }
      case 'log-failed':
        return [this.#send('reply', { ok: false, code: 'unknown-task', message: input.message }, input.call)]
      case 'stop-tasks':
        return this.taskKeys().flatMap(key => this.#kill(key, undefined, 'AGENT_STOPPED', now))
      case 'tick':
        return this.#tick(now)
    }
  }

  #recovered(running: readonly StartedContainer[], now: Millis): AgentCommand[] {
    const commands: AgentCommand[] = []
    for (const container of running) commands.push(...this.#started(container, now))
    for (const task of this.#tasks.values()) {
      if (task.updates.length > 0) this.#resends.start(keyOf(task), now)
    }
    return [...commands, ...this.#registerAgain(now)]
  }

  // The leader

  #registerAgain(now: Millis): AgentCommand[] {
    this.#phase = 'registering'
    const call = `register-${++this.#registerCount}`
    this.#register = { call, resendAtMs: now + firstRegisterMs, waitMs: firstRegisterMs }
    this.#heardAtMs = now
    return [this.#sendRegister()]
  }

  #sendRegister(): AgentCommand {
    const tasks = [...this.#tasks.values()].map(describe)
    const body = { agent: this.#info, tasks, received: this.#link.received }
    return this.#send('register', body, this.#register.call)
  }

  #send(kind: string, body: unknown, call?: string): AgentCommand {
    return {
      kind: 'send',
      envelope: this.#link.wrap(kind, body, this.#epoch, call === undefined ? {} : { call }),
    }
  }

  #beacon(epoch: number, now: Millis): AgentCommand[] {
    if (epoch < this.#epoch) return []
    this.#heardAtMs = now
    if (epoch === this.#epoch || this.#phase === 'recovering') return []
    this.#epoch = epoch
    return [this.#log('info', 'a new leader was elected', { epoch }), ...this.#registerAgain(now)]
  }

  #message(message: LeaderMessage, now: Millis): AgentCommand[] {
    const isForAnother = message.to !== undefined && message.to !== this.#settings.session
    if (message.epoch < this.#epoch || isForAnother || this.#phase === 'recovering') return []
    this.#epoch = message.epoch
    this.#heardAtMs = now
    const arrival = this.#link.arrive(message)
    if (arrival === 'repeated') return []
    const missed = arrival === 'gap' || (arrival === 'new-session' && message.sequence !== 1)
    const commands = this.#body(message, now)
    if (missed && this.#phase === 'registered') commands.push(...this.#registerAgain(now))
    return commands
  }

  #body(message: LeaderMessage, now: Millis): AgentCommand[] {
    switch (message.kind) {
      case 'reply':
        return message.call === this.#register.call ? this.#registered(message.body, now) : []
      case 'launch': {
        const { frameworkId, role, task } = message.body
        return this.#answered(message.call, this.#launch(frameworkId, role, task, now))
      }
      case 'kill':
        return this.#answered(
          message.call,
          this.#kill(message.body, message.body.graceMs, 'KILLED_BY_FRAMEWORK', now),
        )
      case 'acknowledge':
        return this.#acknowledged(message.body, message.body.sequence)
      case 'read-log':
        return message.call === undefined ? [] : [{ kind: 'read-log', call: message.call, ...message.body }]
      case 'resynchronise':
        return this.#phase === 'registered' ? this.#registerAgain(now) : []
      case 'set-resources':
        return this.#setResources(message.call, message.body)
    }
  }

  #registered(reply: Reply, now: Millis): AgentCommand[] {
    if (this.#phase !== 'registering') return []
    if (!reply.ok) {
      const reason = reply.message ?? 'no reason given'
      return [{ kind: 'give-up', reason: `the leader refuses this agent: ${reason}` }]
    }
    this.#phase = 'registered'
    this.#heartbeatMs = (reply.result as Registered).heartbeatMs
    this.#heartbeatAtMs = now + this.#heartbeatMs
    const commands = [this.#log('info', 'registered with the leader', { epoch: this.#epoch })]
    for (const task of this.#tasks.values()) commands.push(...this.#sendUpdates(task))
    return commands
  }

  /** The orders come first, so that what the answer promises is on the disk when it is sent. */
  #answered(call: string | undefined, commands: AgentCommand[]): AgentCommand[] {
    return call === undefined ? commands : [...commands, this.#send('reply', { ok: true }, call)]
  }

  /** Kept before it is answered, so that what was reserved stays reserved; a repeated or older order is only answered. */
  #setResources(
    call: string | undefined,
    { resources, resourcesRevision }: Required<Pick<AgentInfo, 'resources' | 'resourcesRevision'>>,
  ): AgentCommand[] {
    if (resourcesRevision <= (this.#info.resourcesRevision ?? 0)) return this.#answered(call, [])
    try {
      Resources.fromWire(resources)
    } catch (error) {
      const refusal = { ok: false, code: 'invalid-resources', message: (error as Error).message }
      return call === undefined ? [] : [this.#send('reply', refusal, call)]
    }
    this.#info = { ...this.#info, resources, resourcesRevision }
    return this.#answered(call, [
      { kind: 'checkpoint-resources', resources, revision: resourcesRevision },
      this.#log('info', 'reservations or volumes have changed', { revision: resourcesRevision }),
    ])
  }

  // Tasks

  #launch(frameworkId: string, role: string, info: TaskInfo, now: Millis): AgentCommand[] {
    const key = taskKey(frameworkId, info.taskId)
    // The order was repeated, perhaps long after the task has ended: a task id runs once.
    if (this.#tasks.has(key) || this.#unstartable.hasEnded(key)) return []
    const task = newTask(frameworkId, role, info, now)
    this.#tasks.set(key, task)
    if (this.#unstartable.take(key)) {
      const happening: Happening = { state: 'KILLED', reason: 'TASK_KILLED_DURING_LAUNCH' }
      return this.#happened({ frameworkId, taskId: info.taskId }, happening, now)
    }
    return [
      { kind: 'checkpoint', task: copy(task) },
      this.#log('info', 'launching task', { taskId: info.taskId, frameworkId }),
      { kind: 'start', frameworkId, info },
    ]
  }

  #started(container: StartedContainer, now: Millis): AgentCommand[] {
    const task = this.#find(container)
    if (!task) return []
    task.handle = container.handle
    const { ipAddress } = container
    if (task.state === 'RUNNING' || task.state === 'KILLING')
      return [{ kind: 'checkpoint', task: copy(task) }]
    return this.#happened(
      container,
      { state: 'RUNNING', ...(ipAddress === undefined ? {} : { ipAddress }) },
      now,
    )
  }

  #kill(key: ContainerKey, graceMs: number | undefined, reason: KillReason, now: Millis): AgentCommand[] {
    const task = this.#find(key)
    if (!task) {
      this.#unstartable.add(taskKey(key.frameworkId, key.taskId))
      return []
    }
    if (isTerminal(task.state)) return []
    const stop: AgentCommand = {
      kind: 'stop',
      task: { frameworkId: key.frameworkId, taskId: key.taskId },
      graceMs: graceMs ?? task.info.killGraceMs ?? defaultKillGraceMs,
    }
    if (task.killReason) return [stop]
    task.killReason = reason
    return [...this.#happened(key, { state: 'KILLING' }, now), stop]
  }

  #happened(key: ContainerKey, happening: Happening, now: Millis): AgentCommand[] {
    const task = this.#find(key)
    const status = task && report(task, happening, now)
    if (!task || !status) return []
    this.#resends.start(keyOf(task), now)
    const { frameworkId, taskId } = status
    const fields = { taskId, frameworkId, reason: status.reason, message: status.message }
    const commands: AgentCommand[] = [
      { kind: 'checkpoint', task: copy(task) },
      this.#log('info', `task is ${status.state}`, fields),
    ]
    if (this.#phase === 'registered') commands.push(this.#send('update', { status }))
    return commands
  }

  #acknowledged(key: ContainerKey, sequence: number): AgentCommand[] {
    const task = this.#find(key)
    if (!task?.updates.some(update => (update.sequence ?? 0) <= sequence)) return []
    task.updates = task.updates.filter(update => (update.sequence ?? 0) > sequence)
    if (task.updates.length > 0) return [{ kind: 'checkpoint', task: copy(task) }]
    this.#resends.stop(keyOf(task))
    if (!isTerminal(task.state)) return [{ kind: 'checkpoint', task: copy(task) }]
    this.#tasks.delete(keyOf(task))
    this.#unstartable.ended(keyOf(task))
    const { frameworkId, taskId } = key
    return [
      { kind: 'remove', task: { frameworkId, taskId } },
      { kind: 'forget', task: { frameworkId, taskId } },
    ]
  }

  #tick(now: Millis): AgentCommand[] {
    const commands: AgentCommand[] = []
    if (this.#phase === 'registering' && now >= this.#register.resendAtMs) {
      const waitMs = Math.min(this.#register.waitMs * 2, longestRegisterMs)
      this.#register = { ...this.#register, resendAtMs: now + waitMs, waitMs }
      commands.push(this.#sendRegister())
    }
    if (this.#phase !== 'registered') return commands
    if (now >= this.#heardAtMs + silenceMs) {
      return [this.#log('warn', `no leader heard for ${silenceMs} ms`), ...this.#registerAgain(now)]
    }
    if (now >= this.#heartbeatAtMs) {
      this.#heartbeatAtMs = now + this.#heartbeatMs
      commands.push(this.#send('heartbeat', { received: this.#link.received }))
    }
    for (const key of this.#resends.due(now)) {
      const task = this.#tasks.get(key)
      if (task) commands.push(...this.#sendUpdates(task))
    }
    return commands
  }

  #sendUpdates(task: AgentTaskState): AgentCommand[] {
    return task.updates.map(status => this.#send('update', { status }))
  }

  #find({ frameworkId, taskId }: ContainerKey): AgentTaskState | undefined {
    return this.#tasks.get(taskKey(frameworkId, taskId))
  }

  #log(
    level: 'debug' | 'info' | 'warn',
    message: string,
    fields: Record<string, unknown> = {},
  ): AgentCommand {
    return { kind: 'log', level, message, fields }
  }
}

function keyOf(task: AgentTaskState): TaskKey {
  return taskKey(task.frameworkId, task.info.taskId)
}

/** A checkpoint is written later than it was decided; it must not change meanwhile. */
function copy(task: AgentTaskState): AgentTaskState {
  return { ...task, updates: [...task.updates] }
}

function describe(task: AgentTaskState): AgentTask {
  const { frameworkId, role, info, state, launchedAtMs, lastStatus } = task
  return {
    frameworkId,
    taskId: info.taskId,
    role,
    ...(info.name === undefined ? {} : { name: info.name }),
    resources: info.resources,
    ...(info.labels === undefined ? {} : { labels: info.labels }),
    state,
    launchedAtMs,
    ...(lastStatus === undefined ? {} : { status: lastStatus }),
  }
}
