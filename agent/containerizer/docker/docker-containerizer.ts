import { availableParallelism } from 'node:os'
import type { Log } from '@tender/sdk/runtime'
import type Dockerode from 'dockerode'
import { backoff } from '../backoff.js'
import {
  type AdoptableTask,
  type Containerizer,
  type ContainerizerEvents,
  type ContainerSpec,
  ContainerStartError,
  type StartedContainer,
  type TaskKey,
} from '../containerizer.js'
import { keyOf } from '../task-key.js'
import { ContainerStarter } from './container-start.js'
import { callTimeoutMs, type EngineConnection, messageOf, statusOf } from './engine.js'
import { EngineHealth } from './engine-health.js'
import { agentLabel, clusterLabel, containerName, frameworkLabel, taskLabel } from './labels.js'
import { removeContainer } from './remove-labelled.js'
import { LogCopy } from './log-copy.js'
import { watchContainer } from './watch.js'

export interface DockerContainerizerOptions {
  readonly engine: EngineConnection
  readonly cluster: string
  readonly agentId: string
  readonly log: Log
  readonly events: ContainerizerEvents
  /** Starts at a time; beyond twice the cores only the engine's queue grows. */
  readonly maxStarts?: number
  /** A pull without any progress for this long has failed. */
  readonly pullStallMs?: number
  /** How long `adopt` and `orphans` wait for an engine that does not answer, before they go on without it. */
  readonly adoptWaitMs?: number
}

/** A container that runs, or that has ended and was not removed. */
interface Watched {
  readonly started: StartedContainer
  readonly container: Dockerode.Container
  readonly watch: AbortController
  /** Resolves when the end was told, or the watch was ended. */
  done: Promise<void>
  ended: boolean
  /** `remove` came before the end was told. */
  removed: boolean
}

type Networks = Readonly<Record<string, { readonly IPAddress: string }>>

interface Starting {
  /** Aborted, with the grace period as reason, when `stop` comes meanwhile. */
  readonly stopped: AbortController
  readonly started: Promise<StartedContainer>
}

export class DockerContainerizer implements Containerizer {
  readonly kind = 'docker'
  readonly #options: DockerContainerizerOptions
  readonly #docker: Dockerode
  readonly #starter: ContainerStarter
  readonly #starting = new Map<string, Starting>()
  readonly #watched = new Map<string, Watched>()
  /** Not yet adopted, for want of an engine; with the grace period, when `stop` has come meanwhile. */
  readonly #awaited = new Map<string, { graceMs?: number }>()
  readonly #health: EngineHealth
  readonly #closed = new AbortController()

  constructor(options: DockerContainerizerOptions) {
    this.#options = options
    this.#docker = options.engine.docker
    this.#starter = new ContainerStarter({
      engine: options.engine,
      owner: options,
      log: options.log,
      maxStarts: options.maxStarts ?? 2 * availableParallelism(),
      pullStallMs: options.pullStallMs ?? 120_000,
      closed: this.#closed.signal,
      pulling: (task, image) => options.events.pulling(task, image),
    })
    this.#health = new EngineHealth(options.engine, health => options.events.health(health))
    void this.#health.watch()
  }

  async start(spec: ContainerSpec): Promise<StartedContainer> {
    const key = keyOf(spec)
    const watched = this.#watched.get(key)
    if (watched?.ended)
      throw new ContainerStartError('start-failed', `task ${spec.taskId} has already run here`)
    if (watched) return watched.started
    const starting = this.#starting.get(key) ?? this.#beginStart(key, spec)
    return starting.started
  }

  async stop(task: TaskKey, graceMs: number): Promise<void> {
    const key = keyOf(task)
    this.#starting.get(key)?.stopped.abort(graceMs)
    const watched = this.#watched.get(key)
    if (watched && !watched.ended) void this.#stopContainer(watched, graceMs)
    const awaited = this.#awaited.get(key)
    if (awaited) awaited.graceMs = graceMs
  }

  async adopt(tasks: readonly AdoptableTask[]): Promise<StartedContainer[]> {
    const containers = await this.#ownContainersSoon()
    if (containers) return await this.#adoptAmong(tasks, containers)
    for (const task of tasks) this.#awaited.set(keyOf(task), {})
    void this.#adoptLater(tasks)
    return []
  }

  async orphans(known: readonly TaskKey[]): Promise<TaskKey[]> {
    const containers = await this.#ownContainersSoon()
    if (containers) return orphansAmong(containers, known)
    void this.#findOrphansLater(known)
    return []
  }

  async removeOrphan(task: TaskKey, graceMs: number): Promise<void> {
    const container = this.#docker.getContainer(containerName(this.#options, task))
    await this.#untilDone('orphan was not removed', this.#closed.signal, async () => {
      await stopContainer(container, graceMs, this.#closed.signal)
      await removeContainer(container)
    })
  }

  async #adoptAmong(
    tasks: readonly AdoptableTask[],
    containers: readonly Dockerode.ContainerInfo[],
  ): Promise<StartedContainer[]> {
    const present = new Map(containers.map(info => [keyOf(taskOf(info)), info]))
    const running: StartedContainer[] = []
    for (const task of tasks) {
      const started = await this.#adoptOne(task, present.get(keyOf(task)))
      if (started) running.push(started)
    }
    return running
  }

  async #adoptLater(tasks: readonly AdoptableTask[]): Promise<void> {
    const containers = await this.#ownContainers()
    if (!containers) return
    for (const task of tasks) {
      const { graceMs } = this.#awaited.get(keyOf(task)) ?? {}
      const [started] = await this.#adoptAmong([task], containers)
      this.#awaited.delete(keyOf(task))
      if (started) this.#options.events.adopted(started)
      if (started && graceMs !== undefined) await this.stop(task, graceMs)
    }
  }

  async #findOrphansLater(known: readonly TaskKey[]): Promise<void> {
    const containers = await this.#ownContainers()
    const orphans = orphansAmong(containers ?? [], known)
    if (orphans.length > 0) this.#options.events.orphansFound(orphans)
  }

  async remove(task: TaskKey): Promise<void> {
    const container = this.#docker.getContainer(containerName(this.#options, task))
    await this.#untilDone('container was not removed', this.#closed.signal, () => removeContainer(container))
    const watched = this.#watched.get(keyOf(task))
    if (!watched) return
    watched.removed = true
    if (watched.ended) this.#watched.delete(keyOf(task))
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#health.close()
    for (const { stopped } of this.#starting.values()) stopped.abort()
    await Promise.allSettled([...this.#starting.values()].map(starting => starting.started))
    for (const { watch } of this.#watched.values()) watch.abort()
    await Promise.all([...this.#watched.values()].map(watched => watched.done))
  }

  #beginStart(key: string, spec: ContainerSpec): Starting {
    const stopped = new AbortController()
    const started = this.#start(spec, stopped.signal).finally(() => this.#starting.delete(key))
    const starting = { stopped, started }
    this.#starting.set(key, starting)
    return starting
  }

  async #start(spec: ContainerSpec, stopped: AbortSignal): Promise<StartedContainer> {
    const output = await openOutput(spec)
    try {
      const info = await this.#starter.start(spec, stopped)
      const started = startedContainer(spec, info.Id, info.NetworkSettings.Networks)
      // Closed meanwhile: the container runs on, as all do, and is found again by its handle or its labels.
      if (this.#closed.signal.aborted) await output.close()
      else this.#watch(started, spec.sandbox, Promise.resolve(output))
      if (stopped.aborted) await this.stop(spec, stopped.reason as number)
      return started
    } catch (error) {
      this.#health.suspect()
      await output.close()
      throw error
    }
  }

  #watch(started: StartedContainer, sandbox: string, output: Promise<LogCopy>): void {
    const { handle } = started
    const watched: Watched = {
      started,
      container: this.#docker.getContainer(handle.kind === 'docker' ? handle.containerId : ''),
      watch: new AbortController(),
      ended: false,
      removed: false,
      done: Promise.resolve(),
    }
    watched.done = this.#tellEnd(watched, sandbox, output)
    this.#watched.set(keyOf(started), watched)
  }

  async #tellEnd(watched: Watched, sandbox: string, output: Promise<LogCopy>): Promise<void> {
    const { container, watch, started } = watched
    const { frameworkId, taskId } = started
    const log = this.#options.log.with({ frameworkId, taskId })
    const onTrouble = () => this.#health.suspect()
    const ending = await watchContainer({ container, sandbox, output, log, onTrouble, signal: watch.signal })
    if (!ending) return
    watched.ended = true
    watch.abort()
    if (watched.removed) this.#watched.delete(keyOf(started))
    this.#options.events.exited({ frameworkId, taskId, ...ending })
  }

  async #stopContainer({ container, watch: { signal } }: Watched, graceMs: number): Promise<void> {
    await this.#untilDone('stop failed', signal, () => stopContainer(container, graceMs, signal))
  }

  /** Tries again until the engine has done it, or the signal ends it. */
  async #untilDone(failure: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        return await work()
      } catch (error) {
        if (signal.aborted) return
        this.#health.suspect()
        this.#options.log.warn(failure, { error: messageOf(error) })
      }
      await backoff(failures, signal)
    }
  }

  async #adoptOne(
    task: AdoptableTask,
    info: Dockerode.ContainerInfo | undefined,
  ): Promise<StartedContainer | undefined> {
    const watched = this.#watched.get(keyOf(task))
    if (watched) return watched.ended ? undefined : watched.started
    if (!info) {
      this.#tellLost(task, task.handle ? 'container was removed' : 'was never started')
      return undefined
    }
    const container = this.#docker.getContainer(info.Id)
    if (info.State === 'created') {
      await removeContainer(container)
      this.#tellLost(task, 'was never started')
      return undefined
    }
    const started = startedContainer(task, info.Id, info.NetworkSettings.Networks)
    this.#watch(started, task.sandbox, LogCopy.again(task.sandbox))
    return info.State === 'exited' || info.State === 'dead' ? undefined : started
  }

  #tellLost({ frameworkId, taskId }: TaskKey, message: string): void {
    this.#options.events.exited({ frameworkId, taskId, outOfMemory: false, message })
  }

  /** Undefined when the engine does not answer soon. */
  async #ownContainersSoon(): Promise<Dockerode.ContainerInfo[] | undefined> {
    const { adoptWaitMs = 5_000, log } = this.#options
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(adoptWaitMs)])
    return await this.#listOwn(signal).catch((error: unknown) => {
      log.warn('the docker engine does not list its containers; they are looked for when it does', {
        error: messageOf(error),
      })
      return undefined
    })
  }

  /** Undefined when this was closed first. */
  async #ownContainers(): Promise<Dockerode.ContainerInfo[] | undefined> {
    let found: Dockerode.ContainerInfo[] | undefined
    await this.#untilDone('containers were not listed', this.#closed.signal, async () => {
      found = await this.#listOwn(AbortSignal.any([this.#closed.signal, AbortSignal.timeout(callTimeoutMs)]))
    })
    return found
  }

  #listOwn(abortSignal: AbortSignal): Promise<Dockerode.ContainerInfo[]> {
    const { cluster, agentId } = this.#options
    const filters = { label: [`${clusterLabel}=${cluster}`, `${agentLabel}=${agentId}`] }
    return this.#docker.listContainers({ all: true, filters, abortSignal })
  }
}

/** The engine itself counts the grace period, so that it ends also when the agent is killed meanwhile. */
async function stopContainer(
  container: Dockerode.Container,
  graceMs: number,
  abortSignal: AbortSignal,
): Promise<void> {
  try {
    await container.stop({ t: Math.ceil(graceMs / 1000), abortSignal })
  } catch (error) {
    const status = statusOf(error)
    if (status !== 304 && status !== 404) throw error
  }
}

function orphansAmong(containers: readonly Dockerode.ContainerInfo[], known: readonly TaskKey[]): TaskKey[] {
  const keys = new Set(known.map(keyOf))
  return containers.map(taskOf).filter(task => !keys.has(keyOf(task)))
}

function taskOf({ Labels: labels }: Dockerode.ContainerInfo): TaskKey {
  return { frameworkId: labels[frameworkLabel] ?? '', taskId: labels[taskLabel] ?? '' }
}

function startedContainer(task: TaskKey, containerId: string, networks: Networks): StartedContainer {
  const { frameworkId, taskId } = task
  const ipAddress = Object.values(networks)
    .map(network => network.IPAddress)
    .find(address => address !== '')
  return {
    frameworkId,
    taskId,
    handle: { kind: 'docker', containerId },
    ...(ipAddress === undefined ? {} : { ipAddress }),
  }
}

/** Before the container runs: what it puts in place of its output files later is not opened. */
async function openOutput({ sandbox }: ContainerSpec): Promise<LogCopy> {
  try {
    return await LogCopy.empty(sandbox)
  } catch (cause) {
    throw new ContainerStartError('start-failed', `sandbox cannot be used: ${messageOf(cause)}`, { cause })
  }
}
