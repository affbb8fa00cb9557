import type { Log } from '@tender/sdk/runtime'
import type Dockerode from 'dockerode'
import { backoff } from '../backoff.js'
import { type ContainerSpec, ContainerStartError, type TaskKey } from '../containerizer.js'
import { Limit } from '../limit.js'
import { createOptions } from './create-options.js'
import { callTimeoutMs, type EngineConnection, messageOf, statusOf } from './engine.js'
import { pullImage } from './image.js'
import { type ContainerOwner, containerName, tenderLabels } from './labels.js'
import { ensureNetwork } from './network.js'
import { ProgramCheck } from './program.js'
import { removeContainer } from './remove-labelled.js'
import { commandNotFound, startError } from './start-errors.js'

export interface StarterOptions {
  readonly engine: EngineConnection
  readonly owner: ContainerOwner
  readonly log: Log
  readonly maxStarts: number
  readonly pullStallMs: number
  /** Ends what goes on in the background. */
  readonly closed: AbortSignal
  pulling(task: TaskKey, image: string): void
}

/** One start under way. */
interface Start {
  readonly spec: ContainerSpec
  /** Aborted when the task is to stop before it runs. */
  readonly stopped: AbortSignal
}

/** Brings a task from its specification to a running container, or leaves nothing behind. */
export class ContainerStarter {
  readonly #options: StarterOptions
  readonly #docker: Dockerode
  readonly #starts: Limit
  readonly #programs = new ProgramCheck()
  #networkId: Promise<string> | undefined

  constructor(options: StarterOptions) {
    this.#options = options
    this.#docker = options.engine.docker
    this.#starts = new Limit(options.maxStarts)
  }

  /** @throws ContainerStartError */
  async start(spec: ContainerSpec, stopped: AbortSignal): Promise<Dockerode.ContainerInspectInfo> {
    const start = { spec, stopped }
    try {
      if (spec.image === undefined)
        throw new ContainerStartError('start-failed', 'a docker container needs an image')
      if (!this.#options.engine.isKnown)
        throw new ContainerStartError('start-failed', 'the docker engine has not answered yet')
      if (spec.forcePull) await this.#pull(start, spec.image)
      // Nearly always the image is there: to look for it first would only cost time.
      const started = await this.#starts.run(() => this.#createAndRun(start).catch(undefinedIfImageMissing))
      if (started) return started
      await this.#pull(start, spec.image)
      return await this.#starts.run(() => this.#createAndRun(start))
    } catch (error) {
      throw startError(spec, error)
    }
  }

  async #createAndRun(start: Start): Promise<Dockerode.ContainerInspectInfo> {
    throwIfStopped(start)
    return await this.#run(start, await this.#create(start.spec), true)
  }

  /** Outside of the limit of starts: others need not wait for it. */
  async #pull(start: Start, image: string): Promise<void> {
    throwIfStopped(start)
    const { frameworkId, taskId } = start.spec
    this.#options.pulling({ frameworkId, taskId }, image)
    const pulled = pullImage(this.#docker, { image, stallMs: this.#options.pullStallMs })
    // A stopped task does not wait for its image; the pull itself goes on, since others may want it.
    await Promise.race([pulled, aborted(start.stopped)])
    pulled.catch((error: unknown) =>
      this.#options.log.debug('pull failed', { image, error: messageOf(error) }),
    )
  }

  async #create(spec: ContainerSpec): Promise<Dockerode.Container> {
    const { owner, engine } = this.#options
    const networkId = spec.network === 'bridge' ? await this.#network() : undefined
    const options = createOptions(spec, { owner, engineCpus: engine.cpus, networkId })
    try {
      return await this.#docker.createContainer({
        ...options,
        abortSignal: AbortSignal.timeout(callTimeoutMs),
      })
    } catch (error) {
      const byName = this.#docker.getContainer(containerName(owner, spec))
      if (statusOf(error) === 409) return this.#existing(spec, byName)
      // No answer does not mean that it was not made.
      if (statusOf(error) === undefined) this.#discard(byName)
      throw error
    }
  }

  /** The container that an earlier start of the same task has made, whether or not we ever heard of it. */
  async #existing(spec: ContainerSpec, byName: Dockerode.Container): Promise<Dockerode.Container> {
    const { Id, Name, Config: config } = await inspect(byName)
    const wanted = Object.entries(tenderLabels(this.#options.owner, spec))
    if (wanted.every(([name, value]) => config.Labels[name] === value)) return this.#docker.getContainer(Id)
    throw new ContainerStartError('start-failed', `container ${Name} exists and belongs to somebody else`)
  }

  async #run(
    start: Start,
    container: Dockerode.Container,
    retry: boolean,
  ): Promise<Dockerode.ContainerInspectInfo> {
    try {
      const info = await inspect(container)
      if (info.State.Status !== 'created') return info
      const problem = await this.#programs.problem(container, info)
      if (problem !== undefined) throw commandNotFound(info.Path, start.spec, problem)
      await container.start({ abortSignal: AbortSignal.timeout(callTimeoutMs) })
      return await inspect(container)
    } catch (error) {
      await removeContainer(container).catch(() => this.#discard(container))
      // Somebody has removed the network, e.g. by `docker network prune` while no task ran.
      if (!retry || !/network .* not found/i.test(messageOf(error))) throw error
      this.#networkId = undefined
      return this.#run(start, await this.#create(start.spec), false)
    }
  }

  #network(): Promise<string> {
    this.#networkId ??= ensureNetwork(this.#docker, this.#options.owner.cluster).catch((error: unknown) => {
      this.#networkId = undefined
      throw error
    })
    return this.#networkId
  }

  /** Removes what a failed start may have left, as soon as the engine answers again. */
  #discard(container: Dockerode.Container): void {
    const { closed } = this.#options
    const removal = async (): Promise<void> => {
      for (let failures = 0; !closed.aborted; failures += 1) {
        const removed = await removeContainer(container).then(
          () => true,
          () => false,
        )
        if (removed) return
        await backoff(failures, closed)
      }
    }
    void removal()
  }
}

function inspect(container: Dockerode.Container): Promise<Dockerode.ContainerInspectInfo> {
  return container.inspect({ abortSignal: AbortSignal.timeout(callTimeoutMs) })
}

function undefinedIfImageMissing(error: unknown): undefined {
  if (statusOf(error) === 404 && /no such image/i.test(messageOf(error))) return undefined
  throw error
}

function throwIfStopped({ spec, stopped }: Start): void {
  if (stopped.aborted)
    throw new ContainerStartError('stopped', `task ${spec.taskId} was stopped before it ran`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
