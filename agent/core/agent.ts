import {
  type AgentHealth,
  type AgentInfo,
  type AgentTask,
  defaultKillGraceMs,
  type leaderToAgent,
  LinkEnd,
  type MessageOf,
  oldestProtocolVersion,
  protocolVersion,
  type Registered,
  type Reply,
  type SessionId,
  type TaskStatus,
} from '@tender/sdk/protocol'
import type { Millis } from '@tender/sdk/runtime'
import { isTerminal, Resources } from '@tender/sdk/values'
import type { StartedContainer, TaskKey as ContainerKey } from '../containerizer/containerizer.js'
import { ending, startFailure } from './ending.js'
import type { AgentCommand } from './commands.js'
import { Heartbeat } from './heartbeat.js'
import type { AgentInput, TimedInput } from './inputs.js'
import { Orphans } from './orphans.js'
import { Registration } from './registration.js'
import { Resends } from './resends.js'
import { spread } from './spread.js'
import { Stops } from './stops.js'
import { TaskStore } from './task-store.js'
import {
  type AgentTaskState,
  type Happening,
  keyOf,
  type KillReason,
  newTask,
  report,
  type TaskKey,
  taskKey,
} from './task.js'
import { UnstartableTasks } from './unstartable.js'

type LeaderMessage = MessageOf<typeof leaderToAgent>
type Launch = Extract<LeaderMessage, { kind: 'launch' }>['body']

export interface AgentSettings {
  /** Its resources as they were last checkpointed, if the leader had made reservations or volumes of them. */
  readonly info: AgentInfo
  readonly session: SessionId
  /** Greater at each start. */
  readonly starts?: number
}

/** Nothing heard of the leader for so long: register again. */
const silenceMs = 10_000
/** Until the leader has told another. */
const heartbeatMs = 2_500

/**
 * An agent's care for its tasks, as a machine without clock, network, disk or containers: it registers, launches and
 * stops tasks as the leader orders, and resends what happened to them until the framework has acknowledged it. A task
 * is stopped only on an order, never because something is absent.
 */
export class Agent {
  readonly #settings: AgentSettings
  #info: AgentInfo
  /** Before the last change, which may not have reached the disk. */
  #infoBefore: AgentInfo
  readonly #link: LinkEnd
  readonly #tasks = new Map<TaskKey, AgentTaskState>()
  readonly #store: TaskStore
  readonly #resends = new Resends()
  readonly #unstartable = new UnstartableTasks()
  readonly #stops = new Stops()
  #phase: 'recovering' | 'registering' | 'registered' = 'recovering'
  #epoch = 0
  readonly #registration = new Registration()
  readonly #heartbeat = new Heartbeat(heartbeatMs)
  /** Over so long do all agents spread themselves when they register at the same time, as the last beacon said. */
  #registerWithinMs = 0
  #heardAtMs = 0
  #health: AgentHealth = { ok: true }
  readonly #orphans = new Orphans()

  /** @param tasks as they were checkpointed; none at the first start */
  constructor(settings: AgentSettings, tasks: readonly AgentTaskState[] = []) {
    this.#settings = settings
    this.#info = settings.info
    this.#infoBefore = settings.info
    this.#link = new LinkEnd(settings.session)
    for (const task of tasks) this.#tasks.set(keyOf(task), task)
    this.#store = new TaskStore(tasks)
  }

  step(input: TimedInput): AgentCommand[] {
    if (input.kind !== 'not-stored') this.#store.settle()
    const commands = this.#handle(input, input.now)
    if (commands.some(isReport)) this.#heartbeat.spoke(input.now)
    return commands
  }

  /** Whether a task has not ended yet. */
  get isRunningTasks(): boolean {
    return [...this.#tasks.values()].some(task => !isTerminal(task.state))
  }

  /** All tasks that it cares for. */
  taskKeys(): ContainerKey[] {
    return [...this.#tasks.values()].map(({ frameworkId, info: { taskId } }) => ({ frameworkId, taskId }))
  }

  /** What was found, and waits for the leader's word. */
  orphanKeys(): ContainerKey[] {
    return this.#orphans.all
  }

  #handle(input: AgentInput, now: Millis): AgentCommand[] {
    switch (input.kind) {
      case 'recovered':
        return this.#recovered(input.running, input.orphans ?? [], now)
      case 'orphans-found':
        return this.#orphansFound(input.orphans, now)
      case 'message':
        return this.#message(input.message, now)
      case 'bad-message':
        return [this.#log('warn', 'a message of the leader was refused', { error: input.error.message })]
      case 'beacon':
        return this.#beacon(input, now)
      case 'reconnected':
        return this.#phase === 'recovering' ? [] : this.#registerAgain(now, this.#registerWithinMs)
      case 'health':
        return this.#healthIs(input.health, now)
      case 'not-stored':
        return this.#notStored(input.reason, input.undone, now)
      case 'stored-again':
        return this.#storedAgain(now)
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
        return [...this.#tick(now), ...this.#store.retry(now)]
    }
  }

  #recovered(
    running: readonly StartedContainer[],
    orphans: readonly ContainerKey[],
    now: Millis,
  ): AgentCommand[] {
    const commands = this.#addOrphans(orphans)
    for (const container of running) {
      commands.push(...this.#started(container, now))
      const task = this.#find(container)
      // Whoever counted its grace may have died with the life before this one.
      if (task?.killReason) commands.push(...this.#stop(task, undefined, now))
    }
    for (const task of this.#tasks.values()) {
      if (task.updates.length > 0) this.#resends.start(keyOf(task), now)
    }
    return [...commands, ...this.#registerAgain(now)]
  }

  // The leader

  /** Within `withinMs` when all agents do so for the same reason; they are not to come all at once. */
  #registerAgain(now: Millis, withinMs: Millis = 0): AgentCommand[] {
    this.#phase = 'registering'
    this.#heardAtMs = now
    const dueMs = now + spread(this.#info.agentId, this.#epoch, withinMs)
    this.#registration.begin(dueMs, this.#registerWithinMs)
    return this.#sendRegisterIfDue(now)
  }

  #sendRegisterIfDue(now: Millis): AgentCommand[] {
    if (!this.#registration.isDue(now)) return []
    return [this.#send('register', this.#registerBody(), this.#registration.call)]
  }

  #registerBody(): object {
    const tasks = [...this.#tasks.values()].map(task => this.#store.tellable(task))
    const orphans = this.#orphans.all
    return {
      agent: this.#info,
      tasks: tasks.flatMap(task => (task ? [describe(task)] : [])),
      ...(this.#settings.starts === undefined ? {} : { starts: this.#settings.starts }),
      ...(orphans.length > 0 ? { orphans } : {}),
      ...this.#heartbeatBody(),
    }
  }

  #sendHeartbeat(now: Millis): AgentCommand {
    this.#heartbeat.sent(now)
    return this.#send('heartbeat', this.#heartbeatBody())
  }

  #heartbeatBody(): object {
    const { ok, reason } = this.#overallHealth
    return { received: this.#link.received, ...(ok ? {} : { health: { ok, reason } }) }
  }

  get #overallHealth(): AgentHealth {
    const { trouble } = this.#store
    const troubles = [...(trouble === undefined ? [] : [`disk: ${trouble}`]), ...whyNot(this.#health)]
    return troubles.length === 0 ? { ok: true } : { ok: false, reason: troubles.join('; ').slice(0, 1_000) }
  }

  #send(kind: string, body: unknown, call?: string): AgentCommand {
    return {
      kind: 'send',
      envelope: this.#link.wrap(kind, body, this.#epoch, call === undefined ? {} : { call }),
    }
  }

  #beacon(beacon: Extract<AgentInput, { kind: 'beacon' }>, now: Millis): AgentCommand[] {
    const { epoch, registerWithinMs = 0, agentHeartbeatMs } = beacon
    if (epoch < this.#epoch) return []
    this.#heardAtMs = now
    this.#registerWithinMs = registerWithinMs
    this.#heartbeat.adapt(agentHeartbeatMs, now)
    if (epoch === this.#epoch || this.#phase === 'recovering') return []
    // What an agent says first of all goes to whoever leads; it need not wait and say it again.
    const isToldAlready = this.#epoch === 0 && !this.#registration.isRepeated
    this.#follow(epoch)
    if (isToldAlready) return []
    return [
      this.#log('info', 'a new leader was elected', { epoch }),
      ...this.#registerAgain(now, registerWithinMs),
    ]
  }

  #message(message: LeaderMessage, now: Millis): AgentCommand[] {
    if (message.epoch >= this.#epoch && this.#isVersionRefused(message)) {
      this.#epoch = message.epoch
      this.#link.version = oldestProtocolVersion
      return this.#registerAgain(now)
    }
    const isForAnother = message.to !== undefined && message.to !== this.#settings.session
    if (message.epoch < this.#epoch || isForAnother || this.#phase === 'recovering') return []
    // It answers what another leader has answered before, and does not know what that one has ordered since.
    const isOfAnother = this.#phase === 'registered' && message.epoch > this.#epoch
    this.#follow(message.epoch)
    this.#heardAtMs = now
    const arrival = this.#link.arrive(message)
    if (arrival === 'repeated') return []
    const missed = arrival === 'gap' || (arrival === 'new-session' && message.sequence !== 1)
    const commands = this.#body(message, now)
    if ((missed || isOfAnother) && this.#phase === 'registered') commands.push(...this.#registerAgain(now))
    return commands
  }

  /**
   * By a leader that was not upgraded yet. If it knows this agent from before its restart, such a leader tells that
   * earlier life, so here it does not count for whom it is meant.
   */
  #isVersionRefused({ kind, call, body }: LeaderMessage): boolean {
    return (
      kind === 'reply' &&
      body.code === 'unsupported-version' &&
      call === this.#registration.call &&
      this.#phase === 'registering' &&
      this.#link.version > oldestProtocolVersion
    )
  }

  /** Another leader may have been upgraded meanwhile: it is spoken to in the newest version first. */
  #follow(epoch: number): void {
    if (epoch > this.#epoch) this.#link.version = protocolVersion
    this.#epoch = epoch
  }

  #body(message: LeaderMessage, now: Millis): AgentCommand[] {
    switch (message.kind) {
      case 'reply':
        return message.call === this.#registration.call ? this.#registered(message.body, now) : []
      case 'launch':
        // Not answered, so that the leader repeats it: it is done when it can be stored.
        if (this.#store.trouble !== undefined) return []
        return this.#answered(message.call, this.#launch(message.body, now))
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
        return this.#phase === 'registered' ? this.#registerAgain(now, this.#registerWithinMs) : []
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
    const { heartbeatMs, removeOrphans = [] } = reply.result as Registered
    this.#heartbeat.begin(heartbeatMs, now)
    const commands = [
      this.#log('info', 'registered with the leader', { epoch: this.#epoch }),
      ...removeOrphans.flatMap(orphan => this.#removeOrphan(orphan)),
    ]
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
    if (this.#store.trouble !== undefined) return []
    try {
      Resources.fromWire(resources)
    } catch (error) {
      const refusal = { ok: false, code: 'invalid-resources', message: (error as Error).message }
      return call === undefined ? [] : [this.#send('reply', refusal, call)]
    }
    this.#infoBefore = this.#info
    this.#info = { ...this.#info, resources, resourcesRevision }
    return this.#answered(call, [
      { kind: 'checkpoint-resources', resources, revision: resourcesRevision },
      this.#log('info', 'reservations or volumes have changed', { revision: resourcesRevision }),
    ])
  }

  // Tasks

  #launch({ frameworkId, role, task: info, frameworkSince }: Launch, now: Millis): AgentCommand[] {
    const { taskId } = info
    const key = taskKey(frameworkId, taskId)
    // The order was repeated, perhaps long after the task has ended: a task id runs once. What has ended is remembered
    // in memory only: an order to the life before this one names that life's session, and is not heard.
    if (this.#tasks.has(key) || this.#unstartable.hasEnded(key)) return []
    // If it runs already, and only its record was lost, its containerizer gives the one that runs.
    this.#orphans.delete({ frameworkId, taskId })
    const task = newTask({ frameworkId, role, info, launchedAtMs: now, frameworkSince })
    this.#tasks.set(key, task)
    if (this.#unstartable.take(key)) {
      const happening: Happening = { state: 'KILLED', reason: 'TASK_KILLED_DURING_LAUNCH' }
      return this.#happened({ frameworkId, taskId }, happening, now)
    }
    return [
      ...this.#store.write(task),
      this.#log('info', 'launching task', { taskId, frameworkId }),
      { kind: 'start', frameworkId, info },
    ]
  }

  #started(container: StartedContainer, now: Millis): AgentCommand[] {
    const task = this.#find(container)
    if (!task) return []
    task.handle = container.handle
    const { ipAddress } = container
    if (task.state === 'RUNNING' || task.state === 'KILLING') return this.#store.write(task)
    return this.#happened(
      container,
      { state: 'RUNNING', ...(ipAddress === undefined ? {} : { ipAddress }) },
      now,
    )
  }

  #kill(key: ContainerKey, graceMs: number | undefined, reason: KillReason, now: Millis): AgentCommand[] {
    const task = this.#find(key)
    if (!task) {
      // The launch may still come, and is not to win. Remembered in memory only: the leader repeats the kill until it
      // has the task's last update, so one that this agent forgets by a restart is told again.
      this.#unstartable.add(taskKey(key.frameworkId, key.taskId))
      return []
    }
    if (isTerminal(task.state)) return []
    const stop = this.#stop(task, graceMs, now)
    if (task.killReason) return stop
    task.killReason = reason
    return [...this.#happened(key, { state: 'KILLING' }, now), ...stop]
  }

  /** The order is repeated until the task has ended, but the task is asked again only if it should have ended by now. */
  #stop(task: AgentTaskState, graceMs: number | undefined, now: Millis): AgentCommand[] {
    const { frameworkId, info } = task
    const grace = graceMs ?? info.killGraceMs ?? defaultKillGraceMs
    if (!this.#stops.isDue(keyOf(task), grace, now)) return []
    return [{ kind: 'stop', task: { frameworkId, taskId: info.taskId }, graceMs: grace }]
  }

  #happened(key: ContainerKey, happening: Happening, now: Millis): AgentCommand[] {
    const task = this.#find(key)
    const status = task && report(task, happening, now)
    if (!task || !status) return []
    this.#resends.start(keyOf(task), now)
    const { frameworkId, taskId } = status
    const fields = { taskId, frameworkId, reason: status.reason, message: status.message }
    const commands: AgentCommand[] = [
      ...this.#store.write(task),
      this.#log('info', `task is ${status.state}`, fields),
    ]
    const mayTell = this.#phase === 'registered' && this.#store.trouble === undefined
    return mayTell ? [...commands, this.#sendUpdate(task, status)] : commands
  }

  #acknowledged(key: ContainerKey, sequence: number): AgentCommand[] {
    const task = this.#find(key)
    if (!task?.updates.some(update => (update.sequence ?? 0) <= sequence)) return []
    task.updates = task.updates.filter(update => (update.sequence ?? 0) > sequence)
    if (task.updates.length > 0) return this.#store.write(task)
    this.#resends.stop(keyOf(task))
    if (!isTerminal(task.state)) return this.#store.write(task)
    this.#forget(task)
    this.#unstartable.ended(keyOf(task))
    const { frameworkId, taskId } = key
    return [
      { kind: 'remove', task: { frameworkId, taskId } },
      { kind: 'forget', task: { frameworkId, taskId } },
    ]
  }

  // What is not as it should be

  /** Told at once, so that nothing more is offered that cannot be run. */
  #healthIs(health: AgentHealth, now: Millis): AgentCommand[] {
    if (health.ok === this.#health.ok && health.reason === this.#health.reason) return []
    this.#health = health
    return this.#tellHealth(now)
  }

  #tellHealth(now: Millis): AgentCommand[] {
    const { ok, reason } = this.#overallHealth
    const log = ok
      ? this.#log('info', 'this agent is well again')
      : this.#log('warn', 'this agent is not well, and nothing of it is offered', { reason })
    return this.#phase === 'registered' ? [log, this.#sendHeartbeat(now)] : [log]
  }

  /** `undone` is the rest of the last step: the write that failed, and what came after it. */
  #notStored(reason: string, undone: readonly AgentCommand[], now: Millis): AgentCommand[] {
    const isNews = this.#store.trouble === undefined
    this.#store.refused(undone, reason, now)
    const instead = undone.flatMap(command => this.#instead(command))
    return isNews ? [...instead, ...this.#tellHealth(now)] : instead
  }

  /**
   * What is done of a command when something before it could not be stored. A message's number has been given to it, so
   * another one goes out under that number, which says only what holds.
   */
  #instead(command: AgentCommand): AgentCommand[] {
    switch (command.kind) {
      case 'checkpoint': {
        const task = this.#tasks.get(keyOf(command.task))
        if (task) this.#store.wait(task)
        return []
      }
      case 'checkpoint-resources':
        this.#info = this.#infoBefore
        return []
      case 'start': {
        const task = this.#find({ frameworkId: command.frameworkId, taskId: command.info.taskId })
        if (task) this.#forget(task)
        return []
      }
      case 'send': {
        const { envelope } = command
        if (envelope.kind === 'register') {
          return [{ kind: 'send', envelope: { ...envelope, body: this.#registerBody() } }]
        }
        const { v, session, sequence, epoch } = envelope
        const body = this.#heartbeatBody()
        return [{ kind: 'send', envelope: { v, kind: 'heartbeat', session, sequence, epoch, body } }]
      }
      case 'checkpoint-again':
        return []
      default:
        return [command]
    }
  }

  #storedAgain(now: Millis): AgentCommand[] {
    const tasks = this.#store.recovered()
    const commands = this.#tellHealth(now)
    if (this.#phase !== 'registered') return commands
    return [...commands, ...tasks.flatMap(task => this.#sendUpdates(task))]
  }

  #orphansFound(orphans: readonly ContainerKey[], now: Millis): AgentCommand[] {
    const commands = this.#addOrphans(orphans)
    if (commands.length > 0 && this.#phase === 'registered') commands.push(...this.#registerAgain(now))
    return commands
  }

  #addOrphans(orphans: readonly ContainerKey[]): AgentCommand[] {
    return orphans.flatMap(orphan => {
      if (this.#find(orphan) || !this.#orphans.add(orphan)) return []
      const { frameworkId, taskId } = orphan
      const message = 'something runs, or is left over, of a task that is not known; it waits for the leader'
      return [this.#log('warn', message, { taskId, frameworkId })]
    })
  }

  #removeOrphan({ frameworkId, taskId }: ContainerKey): AgentCommand[] {
    if (!this.#orphans.delete({ frameworkId, taskId })) return []
    return [
      this.#log('info', 'removing what nobody waits for', { taskId, frameworkId }),
      { kind: 'remove-orphan', task: { frameworkId, taskId } },
    ]
  }

  #forget(task: AgentTaskState): void {
    this.#tasks.delete(keyOf(task))
    this.#stops.forget(keyOf(task))
    this.#store.forget(task)
  }

  #tick(now: Millis): AgentCommand[] {
    const commands: AgentCommand[] = []
    if (this.#phase === 'registering') commands.push(...this.#sendRegisterIfDue(now))
    if (this.#phase !== 'registered') return commands
    if (now >= this.#heardAtMs + silenceMs) {
      return [
        this.#log('warn', `no leader heard for ${silenceMs} ms`),
        ...this.#registerAgain(now, this.#registerWithinMs),
      ]
    }
    if (this.#heartbeat.isDue(now, !this.#overallHealth.ok)) commands.push(this.#sendHeartbeat(now))
    for (const key of this.#resends.due(now)) {
      const task = this.#tasks.get(key)
      if (task) commands.push(...this.#sendUpdates(task))
    }
    return commands
  }

  /** Who does not know of those before it, such as a framework that was started again, can tell that there are some. */
  #sendUpdate({ updates }: AgentTaskState, status: TaskStatus): AgentCommand {
    const oldest = updates[0]?.sequence
    return this.#send('update', oldest === status.sequence ? { status } : { status, oldest })
  }

  #sendUpdates(task: AgentTaskState): AgentCommand[] {
    return this.#store.tellableUpdates(task).map(status => this.#sendUpdate(task, status))
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

function whyNot({ ok, reason }: AgentHealth): string[] {
  return ok ? [] : [reason ?? 'no reason given']
}

/** What the leader takes for a sign of life, besides heartbeats. */
function isReport(command: AgentCommand): boolean {
  return command.kind === 'send' && ['update', 'reply'].includes(command.envelope.kind)
}

function describe(task: AgentTaskState): AgentTask {
  const { frameworkId, role, info, state, launchedAtMs, frameworkSince, lastStatus } = task
  return {
    frameworkId,
    taskId: info.taskId,
    role,
    ...(info.name === undefined ? {} : { name: info.name }),
    resources: info.resources,
    ...(info.labels === undefined ? {} : { labels: info.labels }),
    state,
    launchedAtMs,
    ...(frameworkSince === undefined ? {} : { frameworkSince }),
    ...(lastStatus === undefined ? {} : { status: lastStatus }),
  }
}
