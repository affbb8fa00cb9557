import { hostname } from 'node:os'
import {
  agentId as agentIdSchema,
  type AgentInfo,
  decoder,
  defaultKillGraceMs,
  type Domain,
  describeProblems,
  encode,
  leaderToAgent,
  leaderToEveryone,
  type Peer,
  Subjects,
  validator,
} from '@tender/sdk/protocol'
import {
  type CancelTimer,
  type Clock,
  connectNats,
  describeError,
  type Log,
  Loop,
  NatsTransport,
  type Random,
  systemClock,
  systemRandom,
  type Transport,
} from '@tender/sdk/runtime'
import { isTerminal, parseAttributes, Resources } from '@tender/sdk/values'
import { Checkpoint } from './checkpoint/checkpoint.js'
import { DiskError } from './checkpoint/disk-error.js'
import { lockWorkDir } from './checkpoint/lock.js'
import { CompositeContainerizer } from './containerizer/composite-containerizer.js'
import {
  type Containerizer,
  type ContainerizerEvents,
  ContainerStartError,
} from './containerizer/containerizer.js'
import { type EngineConnection, type EngineOptions } from './containerizer/docker/engine.js'
import { baseEnvironment } from './containerizer/process/environment.js'
import { ProcessContainerizer } from './containerizer/process/process-containerizer.js'
import { Sandboxes } from './containerizer/sandbox.js'
import { containerSpec } from './container-spec.js'
import { Agent } from './core/agent.js'
import type { AgentCommand } from './core/commands.js'
import type { AgentInput } from './core/inputs.js'
import type { AgentTaskState } from './core/task.js'
import { carriedOver } from './resources/carry-over.js'
import { detectResources } from './resources/detect.js'
import { type Reconfiguration, reconfigured, type StartedWith } from './resources/started-with.js'
import { namesIn, toldOrDetected } from './resources/static-resources.js'
import { version } from './version.js'

export type ContainerizerKind = 'docker' | 'process'

export interface AgentOptions {
  readonly cluster: string
  /** URL of NATS. */
  readonly nats: string
  /** Checkpoint and sandboxes. One agent at a time. */
  readonly workDir: string
  /** Text form; what it names wins over what is detected. Static reservations, mounts and revocable ones may be named. */
  readonly resources?: string
  /** Text form: `rack:r1;slots:4`. */
  readonly attributes?: string
  /** Where it stands: what fails together. */
  readonly domain?: Domain
  /** What may differ from what it was started with before; only more, unless told. */
  readonly reconfiguration?: Reconfiguration
  /** Under which tasks are reached; the host's own name unless told. */
  readonly hostname?: string
  /** At the first start; later ones keep it. Made of the host's name unless told. */
  readonly agentId?: string
  /** `auto`: processes, and docker where an engine answers. */
  readonly containerizers: readonly ContainerizerKind[] | 'auto'
  readonly engine: EngineOptions
  /** What plain processes get of the agent's environment is chosen from this. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: Log
  /** The leader refuses this agent, for the reason in the error. */
  readonly onRefused: (error: Error) => void
  /** A bug: the process has to end; tasks run on. */
  readonly onBug: (error: unknown) => void
}

export interface RunningAgent {
  readonly agentId: string
  readonly resources: string
  readonly containerizers: readonly ContainerizerKind[]
  /** Stops the agent; tasks run on, unless they are to be stopped with it. */
  stop(options?: { tasksToo?: boolean }): Promise<void>
}

const tickMs = 100
const garbageMs = 3_600_000
/** More than the grace that tasks get by default. */
const stopTasksMs = 15_000

/**
 * Starts an agent: finds its tasks of before again, registers, and runs what the leader launches.
 *
 * @throws Error when the work directory is in use, NATS does not answer, or an option is wrong
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const startsWith = await whatItStartsWith(options)
  const lock = await lockWorkDir(options.workDir)
  try {
    const checkpoint = new Checkpoint(options.workDir, options.log)
    const agentId = await checkpoint.agentId(() => checkedId(options.agentId ?? madeUpId(systemRandom)))
    const log = options.log.with({ agentId })
    const { attributes, ...is } = await settle(startsWith, { checkpoint, log, options })
    const startedWith = Resources.fromWire(is.resources)
    const kept = await checkpoint.resources()
    const resources = kept ? carriedOver(kept, startedWith) : startedWith
    const tasks = await checkpoint.tasks()
    const engine = await findEngine(options, { log, isNeeded: tasks.some(runsInDocker) })
    const kinds: ContainerizerKind[] = [
      ...(engine ? (['docker'] as const) : []),
      ...(options.containerizers === 'auto' || options.containerizers.includes('process')
        ? (['process'] as const)
        : []),
    ]
    const transport = new NatsTransport(await connectNats(options.nats, `tender agent ${agentId}`), log)
    const info: AgentInfo = {
      agentId,
      hostname: options.hostname ?? hostname(),
      resources: resources.toWire(),
      ...(kept ? { resourcesRevision: kept.revision } : {}),
      attributes,
      ...(options.domain ? { domain: options.domain } : {}),
      containerizers: kinds,
      version,
    }
    const shell = new AgentShell(options, info, { log, transport, checkpoint, tasks, engine, startedWith })
    await shell.start()
    return {
      agentId,
      resources: String(resources),
      containerizers: kinds,
      stop: async ({ tasksToo = false } = {}) => {
        if (tasksToo) await shell.stopTasks()
        await shell.stop()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function whatItStartsWith(options: AgentOptions): Promise<StartedWith> {
  const detected = Resources.parse(await detectResources(options.workDir))
  const told = options.resources ?? ''
  const names = namesIn(told)
  return {
    resources: toldOrDetected(told, detected).toWire(),
    detected: detected.names().filter(name => !names.has(name)),
    attributes: parseAttributes(options.attributes ?? ''),
    ...(options.domain ? { domain: options.domain } : {}),
  }
}

interface Settling {
  readonly checkpoint: Checkpoint
  readonly log: Log
  readonly options: AgentOptions
}

/** Compares it with what the agent was started with before, and keeps it for the next time. */
async function settle(now: StartedWith, { checkpoint, log, options }: Settling): Promise<StartedWith> {
  const before = await checkpoint.startedWith()
  const settled = reconfigured(before, now, options.reconfiguration)
  const [measured, taken] = [now, settled].map(({ resources }) => String(Resources.fromWire(resources)))
  if (measured !== taken)
    log.info('a little less was detected than before; the old amounts hold', { measured })
  if (before && JSON.stringify(before) === JSON.stringify(settled)) return settled
  try {
    checkpoint.writeStartedWith(settled)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    log.warn('what this agent is started with could not be kept', { error: describeError(error) })
  }
  return settled
}

function checkedId(id: string): string {
  const checked = validator(agentIdSchema)(id)
  if (!checked.ok) throw new TypeError(`an agent's id: ${describeProblems(checked.problems)}`)
  return id
}

function madeUpId(random: Random): string {
  const host =
    hostname()
      .split('.')[0]
      ?.replace(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '') || 'agent'
  return `${host.slice(0, 50)}-${random.hex(6)}`
}

function runsInDocker({ info, handle, state }: AgentTaskState): boolean {
  return !isTerminal(state) && (handle ? handle.kind === 'docker' : info.container !== undefined)
}

/** One that is needed is waited for, if it does not answer: by tasks that run in it, or since it was asked for. */
async function findEngine(
  options: AgentOptions,
  { log, isNeeded }: { readonly log: Log; readonly isNeeded: boolean },
): Promise<EngineConnection | undefined> {
  const { containerizers } = options
  if (containerizers !== 'auto' && !containerizers.includes('docker')) return undefined
  // Loaded only where it is used: it is the heaviest library of the agent.
  const { awaitedEngine, connectEngine } = await import('./containerizer/docker/engine.js')
  let why = 'no engine answers'
  const engine = await connectEngine({ ...options.engine, onUnavailable: reason => (why = reason) })
  if (engine) {
    log.info('docker engine found', { version: engine.version })
    return engine
  }
  if (containerizers === 'auto' && !isNeeded) {
    log.info('no docker engine; tasks run as plain processes', { reason: why })
    return undefined
  }
  log.warn('the docker engine does not answer; it is waited for, and nothing is offered until it does', {
    reason: why,
  })
  return awaitedEngine(options.engine)
}

interface Surroundings {
  readonly log: Log
  readonly transport: Transport
  readonly checkpoint: Checkpoint
  /** As they were checkpointed. */
  readonly tasks: readonly AgentTaskState[]
  readonly engine: EngineConnection | undefined
  /** What there is without the leader's reservations and volumes. */
  readonly startedWith: Resources
}

/** Joins the core with NATS, the disk and the containerizers. */
class AgentShell {
  readonly #options: AgentOptions
  readonly #info: AgentInfo
  readonly #log: Log
  readonly #transport: Transport
  readonly #checkpoint: Checkpoint
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

  constructor(options: AgentOptions, info: AgentInfo, around: Surroundings) {
    this.#options = options
    this.#info = info
    this.#log = around.log
    this.#transport = around.transport
    this.#checkpoint = around.checkpoint
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
    this.#core = new Agent({ info: this.#info, session: systemRandom.hex(16) }, tasks)
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
        return this.#checkpoint.forget(command.task)
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
