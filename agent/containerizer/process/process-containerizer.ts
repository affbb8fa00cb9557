import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import type { Log } from '@tender/sdk/runtime'
import {
  type AdoptableTask,
  type Containerizer,
  type ContainerizerEvents,
  type ContainerSpec,
  ContainerStartError,
  type StartedContainer,
  type TaskKey,
} from '../containerizer.js'
import { closeOutputFiles, openOutputFiles } from '../output-files.js'
import type { Sandboxes } from '../sandbox.js'
import { keyOf } from '../task-key.js'
import {
  claimUnstarted,
  controlDirectoryOf,
  makeControlDirectory,
  readControlFacts,
  removeControlDirectory,
} from './control-directory.js'
import { assertNames } from './environment.js'
import { assertPortFree } from './free-port.js'
import { currentBootId, isAlive, type ProcessIdentity } from './identity.js'
import { findProgram } from './program.js'
import { signalGroup } from './session.js'
import { supervisorArguments } from './supervisor.js'
import { findTools } from './tools.js'
import { ProcessWatch } from './watch.js'

export interface ProcessContainerizerOptions {
  readonly log: Log
  readonly events: ContainerizerEvents
  /** Where its tasks run. */
  readonly sandboxes: Sandboxes
  /** What every task's environment starts from; see `baseEnvironment`. */
  readonly environment: Readonly<Record<string, string>>
}

/** A task that runs, or that has ended and was not removed. */
interface Watched {
  readonly task: ProcessIdentity
  readonly started: StartedContainer
  readonly watch: ProcessWatch
  readonly directory: string
  killTimer: NodeJS.Timeout | undefined
  /** Resolves when the end was told, or the watch was closed. */
  done: Promise<void>
  ended: boolean
  /** `remove` came before the end was told. */
  removed: boolean
}

/**
 * Runs tasks as plain processes of this host: no image, no limits, no network of their own. Each has a supervisor (see
 * there) that outlives the agent.
 */
export class ProcessContainerizer implements Containerizer {
  readonly kind = 'process'
  readonly #options: ProcessContainerizerOptions
  readonly #watched = new Map<string, Watched>()
  #closed = false

  constructor(options: ProcessContainerizerOptions) {
    this.#options = options
  }

  async start(spec: ContainerSpec): Promise<StartedContainer> {
    const watched = this.#watched.get(keyOf(spec))
    if (watched?.ended)
      throw new ContainerStartError('start-failed', `task ${spec.taskId} has already run here`)
    if (watched) return watched.started
    try {
      return await this.#start(spec)
    } catch (cause) {
      if (cause instanceof ContainerStartError) throw cause
      throw new ContainerStartError('start-failed', `the process was not started: ${String(cause)}`, {
        cause,
      })
    }
  }

  async stop(task: TaskKey, graceMs: number): Promise<void> {
    const watched = this.#watched.get(keyOf(task))
    if (!watched || watched.ended) return
    await signalGroup(watched.task, 'SIGTERM')
    clearTimeout(watched.killTimer)
    watched.killTimer = setTimeout(() => void this.#kill(watched), graceMs)
  }

  async adopt(tasks: readonly AdoptableTask[]): Promise<StartedContainer[]> {
    const running: StartedContainer[] = []
    for (const task of tasks) {
      const started = await this.#adoptOne(task)
      if (started) running.push(started)
    }
    return running
  }

  async orphans(known: readonly TaskKey[]): Promise<TaskKey[]> {
    const keys = new Set(known.map(keyOf))
    return (await this.#options.sandboxes.supervised()).filter(task => !keys.has(keyOf(task)))
  }

  async removeOrphan(task: TaskKey, graceMs: number): Promise<void> {
    const directory = controlDirectoryOf(this.#options.sandboxes.path(task))
    if (!(await claimUnstarted(directory))) await this.#endOrphan(directory, graceMs)
    await removeControlDirectory(directory)
  }

  async #endOrphan(directory: string, graceMs: number): Promise<void> {
    const watch = new ProcessWatch(directory)
    const process = await watch.started(Date.now, () => false)
    if (process) {
      await signalGroup(process, 'SIGTERM')
      const kill = setTimeout(() => void signalGroup(process, 'SIGKILL').catch(() => undefined), graceMs)
      await watch.ended(process)
      clearTimeout(kill)
    }
    watch.close()
  }

  async remove(task: TaskKey): Promise<void> {
    const watched = this.#watched.get(keyOf(task))
    if (!watched) return
    watched.removed = true
    if (watched.ended) await this.#forget(watched)
    else await this.#kill(watched)
  }

  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#watched.values()]
    for (const { watch, killTimer } of all) {
      clearTimeout(killTimer)
      watch.close()
    }
    await Promise.all(all.map(watched => watched.done))
  }

  async #start(spec: ContainerSpec): Promise<StartedContainer> {
    const environment: Record<string, string> = {
      ...this.#options.environment,
      ...spec.env,
      TENDER_SANDBOX: spec.sandbox,
    }
    const command = await this.#runnable(spec, environment['PATH'] ?? '')
    const directory = controlDirectoryOf(spec.sandbox)
    if ((await makeControlDirectory(directory)) === 'exists') return this.#startAgain(spec, directory)
    const watch = new ProcessWatch(directory)
    try {
      const bootId = await currentBootId()
      const tools = await findTools({ path: this.#options.environment['PATH'] ?? '', directory: '/' })
      const supervision = { controlDirectory: directory, bootId, tools, command }
      const supervisor = await spawnSupervisor(spec.sandbox, environment, supervisorArguments(supervision))
      supervisor.on('exit', () => watch.notify())
      const task = await watch.started(
        Date.now,
        () => supervisor.exitCode !== null || supervisor.signalCode !== null,
      )
      if (!task)
        throw new ContainerStartError('start-failed', 'the supervisor ended before it had started the task')
      return this.#watch(spec, task, watch)
    } catch (error) {
      watch.close()
      await removeControlDirectory(directory)
      throw error
    }
  }

  /** There was a start of this task, by an agent that has not told us of it. Did it come to anything? */
  async #startAgain(spec: ContainerSpec, directory: string): Promise<StartedContainer> {
    const watch = new ProcessWatch(directory)
    const unstarted = await claimUnstarted(directory)
    const task = unstarted ? undefined : await watch.started(Date.now, () => false)
    if (task) return this.#watch(spec, task, watch)
    watch.close()
    await removeControlDirectory(directory)
    return this.#start(spec)
  }

  async #runnable(spec: ContainerSpec, path: string): Promise<string[]> {
    const [program, ...rest] = spec.command
    if (spec.image !== undefined) {
      throw new ContainerStartError(
        'start-failed',
        `image ${spec.image} needs docker; this runs plain processes`,
      )
    }
    if (program === undefined) throw new ContainerStartError('start-failed', 'a process needs a command')
    assertNames(spec.env)
    const found = await findProgram(program, { path, directory: spec.sandbox })
    for (const mapping of spec.portMappings) await assertPortFree(mapping)
    // Programs like busybox look at the name that they were called by, so we give the path only where we must.
    return [program.includes('/') ? found : program, ...rest]
  }

  async #adoptOne(task: AdoptableTask): Promise<StartedContainer | undefined> {
    const watched = this.#watched.get(keyOf(task))
    if (watched) return watched.ended ? undefined : watched.started
    const directory = controlDirectoryOf(task.sandbox)
    if (!task.handle && (await claimUnstarted(directory))) {
      await removeControlDirectory(directory)
      this.#tellLost(task, 'was never started')
      return undefined
    }
    const watch = new ProcessWatch(directory)
    const known = (await readControlFacts(directory)).task ?? handleOf(task)
    const process = known ?? (await watch.started(Date.now, () => false))
    if (!process) {
      watch.close()
      this.#tellLost(task, 'its supervisor ended before it had started it')
      return undefined
    }
    const started = this.#watch(task, process, watch)
    return (await isAlive(process)) ? started : undefined
  }

  #watch(of: AdoptableTask, task: ProcessIdentity, watch: ProcessWatch): StartedContainer {
    const { frameworkId, taskId, sandbox } = of
    const started: StartedContainer = { frameworkId, taskId, handle: { kind: 'process', ...task } }
    const directory = controlDirectoryOf(sandbox)
    const state = { killTimer: undefined, done: Promise.resolve(), ended: false, removed: false }
    const watched: Watched = { task, started, watch, directory, ...state }
    this.#watched.set(keyOf(of), watched)
    if (this.#closed) watch.close()
    watched.done = this.#tellEnd(watched)
    return started
  }

  async #tellEnd(watched: Watched): Promise<void> {
    const ending = await watched.watch.ended(watched.task)
    if (!ending) return
    watched.ended = true
    clearTimeout(watched.killTimer)
    watched.watch.close()
    if (watched.removed) await this.#forget(watched)
    const { frameworkId, taskId } = watched.started
    this.#options.events.exited({ frameworkId, taskId, ...ending })
  }

  async #kill({ task, started: { frameworkId, taskId } }: Watched): Promise<void> {
    try {
      await signalGroup(task, 'SIGKILL')
    } catch (error) {
      // E.g. a program that has taken another user's rights.
      this.#options.log.error('process could not be killed', { frameworkId, taskId, error: String(error) })
    }
  }

  async #forget({ started, directory }: Watched): Promise<void> {
    this.#watched.delete(keyOf(started))
    await removeControlDirectory(directory)
  }

  #tellLost({ frameworkId, taskId }: TaskKey, message: string): void {
    this.#options.events.exited({ frameworkId, taskId, outOfMemory: false, message })
  }
}

function handleOf({ handle }: AdoptableTask): ProcessIdentity | undefined {
  if (handle?.kind !== 'process') return undefined
  return { pid: handle.pid, startTime: handle.startTime, bootId: handle.bootId }
}

async function spawnSupervisor(
  sandbox: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<ChildProcess> {
  const files = await openOutputFiles(sandbox, constants.O_APPEND | constants.O_TRUNC)
  try {
    const stdio = ['ignore' as const, files.stdout.fd, files.stderr.fd]
    const supervisor = spawn('/bin/sh', args, { cwd: sandbox, env: environment, detached: true, stdio })
    await once(supervisor, 'spawn')
    supervisor.unref()
    return supervisor
  } finally {
    await closeOutputFiles(files)
  }
}
