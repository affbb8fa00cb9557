import {
  type AgentInfo,
  decoder,
  defaultKillGraceMs,
  encode,
  leaderToAgent,
  leaderToEveryone,
  type Peer,
  Subjects,
} from '@tender/sdk/protocol'
import {
  type CancelTimer,
  type Clock,
  describeError,
  type Log,
  Loop,
  systemClock,
  systemRandom,
  type Transport,
} from '@tender/sdk/runtime'
import { isTerminal, type Resources } from '@tender/sdk/values'
import type { Checkpoint } from './checkpoint/checkpoint.js'
import { DiskError } from './checkpoint/disk-error.js'
import { CompositeContainerizer } from './containerizer/composite-containerizer.js'
import {
  type Containerizer,
  type ContainerizerEvents,
  ContainerStartError,
  type TaskKey,
} from './containerizer/containerizer.js'
import type { EngineConnection } from './containerizer/docker/engine.js'
import { baseEnvironment } from './containerizer/process/environment.js'
import { ProcessContainerizer } from './containerizer/process/process-containerizer.js'
import { Sandboxes } from './containerizer/sandbox.js'
import { containerSpec } from './container-spec.js'
import { Agent } from './core/agent.js'
import type { AgentCommand } from './core/commands.js'
import type { AgentInput } from './core/inputs.js'
import type { AgentTaskState } from './core/task.js'
import type { AgentOptions } from './start-agent.js'

const tickMs = 100
const garbageMs = 3_600_000
/** More than the grace that tasks get by default. */
const stopTasksMs = 15_000

interface AgentSurroundings {
  readonly log: Log
  readonly transport: Transport
  readonly checkpoint: Checkpoint
  readonly starts: number
  /** As they were checkpointed. */
  readonly tasks: readonly AgentTaskState[]
  readonly engine: EngineConnection | undefined
  /** What there is without the leader's reservations and volumes. */
  readonly startedWith: Resources
}

/** Joins the core with NATS, the disk and the containerizers. */
export class AgentShell {
  readonly #options: AgentOptions
  readonly #info: AgentInfo
  readonly #log: Log
  readonly #transport: Transport
  readonly #checkpoint: Checkpoint
  readonly #starts: number
  readonly #tasks: readonly AgentTaskState[]
  readonly #engine: EngineConnection | undefined
  readonly #startedWith: Resources
  readonly #sandboxes: Sandboxes
  readonly #clock: Clock = systemClock
  readonly #self: Peer
  readonly #subjects: Subjects
  readonly #loop: Loop<AgentInput>
  #containerizer!: Containerizer
  #core!: Agent
  #cancelTick: CancelTimer = () => {}
  #cancelGarbage: CancelTimer = () => {}
  #onTasksEnded: (() => void) | undefined
  #stopped = false

  constructor(options: AgentOptions, info: AgentInfo, around: AgentSurroundings) {
    this.#options = options
    this.#info = info
    this.#log = around.log
    this.#transport = around.transport
    this.#checkpoint = around.checkpoint
    this.#starts = around.starts
    this.#tasks = around.tasks
    this.#engine = around.engine
    this.#startedWith = around.startedWith
    this.#sandboxes = new Sandboxes(options.workDir, around.log)
    this.#self = { kind: 'agent', id: info.agentId }
    this.#subjects = new Subjects(options.cluster)
    this.#loop = new Loop(input => this.#step(input), options.onBug)
  }

  async start(): Promise<void> {
    this.#containerizer = await this.#makeContainerizer()
    const tasks = this.#tasks
    this.#core = new Agent({ info: this.#info, session: systemRandom.hex(16), starts: this.#starts }, tasks)
    const live = tasks.filter(task => !isTerminal(task.state))
    const running = await this.#containerizer.adopt(
      live.map(({ frameworkId, info: { taskId }, handle }) => ({
        frameworkId,
        taskId,
        ...(handle ? { handle } : {}),
        sandbox: this.#sandboxes.path({ frameworkId, taskId }),
      })),
    )
    if (tasks.length > 0)
      this.#log.info('found tasks of before', { tasks: tasks.length, running: running.length })
    const orphans = await this.#containerizer.orphans(this.#core.taskKeys())
    this.#listen()
    this.#loop.push({ kind: 'recovered', running, orphans })
    this.#tick()
    this.#collectGarbage()
  }

  /** Resolves when all have ended, or when they had the time for it. */
  async stopTasks(): Promise<void> {
    const ended = new Promise<void>(resolve => (this.#onTasksEnded = resolve))
    const cancel = this.#clock.setTimer(stopTasksMs, () => this.#onTasksEnded?.())
    this.#loop.push({ kind: 'stop-tasks' })
    await ended
    cancel()
    for (const key of this.#core.taskKeys()) await this.#containerizer.remove(key).catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTick()
    this.#cancelGarbage()
    this.#loop.stop()
    await this.#loop.idle()
    await this.#containerizer.close()
    await this.#transport.close()
  }

  async #makeContainerizer(): Promise<Containerizer> {
    const events: ContainerizerEvents = {
      exited: exit => this.#loop.push({ kind: 'exited', exit }),
      pulling: (task, image) => this.#loop.push({ kind: 'pulling', task, image }),
      adopted: container => this.#loop.push({ kind: 'started', container }),
      orphansFound: orphans => this.#loop.push({ kind: 'orphans-found', orphans }),
      health: health => this.#loop.push({ kind: 'health', health }),
    }
    const log = this.#log
    const { cluster, environment } = this.#options
    const { agentId, containerizers } = this.#info
    const engine = this.#engine
    const docker = engine && (await import('./containerizer/docker/docker-containerizer.js'))
    return new CompositeContainerizer({
      docker: docker && engine && new docker.DockerContainerizer({ engine, cluster, agentId, log, events }),
      process: containerizers.includes('process')
        ? new ProcessContainerizer({
            log,
            events,
            sandboxes: this.#sandboxes,
            environment: baseEnvironment(environment),
          })
        : undefined,
    })
  }

  #listen(): void {
    const decode = decoder(leaderToAgent)
    const decodeBeacon = decoder(leaderToEveryone)
    this.#transport.subscribe(this.#subjects.toPeer(this.#self), bytes => {
      const decoded = decode(bytes)
      if (decoded.ok) this.#loop.push({ kind: 'message', message: decoded.message })
      else this.#loop.push({ kind: 'bad-message', error: decoded.error })
    })
    this.#transport.subscribe(this.#subjects.leader, bytes => {
      const decoded = decodeBeacon(bytes)
      if (!decoded.ok) return
      const { epoch, body } = decoded.message
      const { registerWithinMs, agentHeartbeatMs } = body
      this.#loop.push({ kind: 'beacon', epoch, registerWithinMs, agentHeartbeatMs })
    })
    this.#transport.onStatus(status => {
      if (status !== 'closed') this.#log.warn(`NATS is ${status}`)
      if (status === 'connected') this.#loop.push({ kind: 'reconnected' })
    })
  }

  #tick(): void {
    this.#cancelTick = this.#clock.setTimer(tickMs, () => {
      if (this.#stopped) return
      this.#loop.push({ kind: 'tick' })
      this.#tick()
    })
  }

  #collectGarbage(): void {
    const inUse = [...this.#core.taskKeys(), ...this.#core.orphanKeys()]
    this.#sandboxes.collectGarbage(inUse, this.#clock.now()).catch((error: unknown) => {
      this.#log.warn('old sandboxes could not be removed', { error: describeError(error) })
    })
    this.#cancelGarbage = this.#clock.setTimer(garbageMs, () => {
      if (!this.#stopped) this.#collectGarbage()
    })
  }

  #step(input: AgentInput): void {
    this.#performAll(this.#core.step({ ...input, now: this.#clock.now() }))
    if (!this.#core.isRunningTasks) this.#onTasksEnded?.()
  }

  /**
   * In their order, but for the log: nobody waits for that, and NATS sends when this turn of the event loop is over.
   * What follows a checkpoint that cannot be written is not done: the core says what is done instead.
   */
  #performAll(commands: readonly AgentCommand[]): void {
    for (const [index, command] of commands.entries()) {
      if (command.kind === 'log') setImmediate(() => this.#perform(command))
      else {
        try {
          this.#perform(command)
        } catch (error) {
          if (!(error instanceof DiskError)) throw error
          const undone = commands.slice(index)
          return this.#step({ kind: 'not-stored', reason: describeError(error), undone })
        }
      }
    }
  }

  #perform(command: AgentCommand): void {
    switch (command.kind) {
      case 'checkpoint':
        return this.#checkpoint.write(command.task)
      case 'checkpoint-resources': {
        const { revision, resources } = command
        return this.#checkpoint.writeResources({
          revision,
          resources,
          startedWith: this.#startedWith.toWire(),
        })
      }
      case 'checkpoint-again':
        this.#checkpoint.probe()
        for (const task of command.tasks) this.#checkpoint.write(task)
        return this.#step({ kind: 'stored-again' })
      case 'forget':
        return this.#forget(command.task)
      case 'send':
        this.#transport.publish(this.#subjects.toLeader(this.#self), encode(command.envelope))
        return
      case 'start':
        void this.#start(command)
        return
      case 'stop':
        this.#watch('stop', command.task, this.#containerizer.stop(command.task, command.graceMs))
        return
      case 'remove':
        this.#watch('remove', command.task, this.#containerizer.remove(command.task))
        return
      case 'remove-orphan':
        this.#watch(
          'remove',
          command.task,
          this.#containerizer.removeOrphan(command.task, defaultKillGraceMs),
        )
        return
      case 'read-log':
        void this.#readLog(command)
        return
      case 'give-up':
        this.#options.onRefused(new Error(command.reason))
        return
      case 'log':
        this.#log[command.level](command.message, command.fields)
        return
    }
  }

  async #start({ frameworkId, info }: Extract<AgentCommand, { kind: 'start' }>): Promise<void> {
    const task = { frameworkId, taskId: info.taskId }
    try {
      const sandbox = this.#sandboxes.make(task)
      const container = await this.#containerizer.start(
        containerSpec(frameworkId, info, {
          sandbox,
          agentId: this.#info.agentId,
          hostname: this.#info.hostname,
        }),
      )
      this.#loop.push({ kind: 'started', container })
    } catch (error) {
      const reason = error instanceof ContainerStartError ? error.reason : 'start-failed'
      this.#loop.push({ kind: 'start-failed', task, reason, message: describeError(error) })
    }
  }

  /** What stays on a disk that cannot be written is found at the next start, told again, and forgotten then. */
  #forget(task: TaskKey): void {
    try {
      this.#checkpoint.forget(task)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#log.warn('the record of an ended task could not be removed', {
        ...task,
        error: describeError(error),
      })
    }
  }

  #watch(what: string, task: { frameworkId: string; taskId: string }, done: Promise<void>): void {
    done.catch((error: unknown) =>
      this.#log.error(`could not ${what} a container`, { ...task, error: describeError(error) }),
    )
  }

  async #readLog(command: Extract<AgentCommand, { kind: 'read-log' }>): Promise<void> {
    const { call, frameworkId, taskId, stream, offset, maxBytes } = command
    const task = { frameworkId, taskId }
    try {
      const chunk = await this.#sandboxes.read(task, stream, { offset, maxBytes })
      this.#loop.push({ kind: 'log-read', call, chunk, task })
    } catch (error) {
      this.#loop.push({ kind: 'log-failed', call, message: describeError(error) })
    }
  }
}
