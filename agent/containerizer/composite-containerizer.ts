import {
  type AdoptableTask,
  type Containerizer,
  type ContainerSpec,
  ContainerStartError,
  type StartedContainer,
  type TaskKey,
} from './containerizer.js'
import { hasControlDirectory } from './process/control-directory.js'
import { keyOf } from './task-key.js'

export interface Containerizers {
  /** Absent when this agent has no docker engine. */
  readonly docker?: Containerizer | undefined
  /** Absent when this agent may not run plain processes. */
  readonly process?: Containerizer | undefined
}

type Kind = keyof Containerizers

/** Lets one agent run both: a task with an image in docker, one without as a process. */
export class CompositeContainerizer implements Containerizer {
  readonly kind = 'composite'
  readonly #containerizers: Containerizers
  /** Which one a task was given to, until it is removed. */
  readonly #owners = new Map<string, Containerizer>()

  constructor(containerizers: Containerizers) {
    this.#containerizers = containerizers
  }

  async start(spec: ContainerSpec): Promise<StartedContainer> {
    const owner = this.#containerizers[spec.image === undefined ? 'process' : 'docker']
    if (!owner) throw new ContainerStartError('start-failed', cannotRun(spec))
    // Before it runs: a stop may come while it is being started.
    this.#owners.set(keyOf(spec), owner)
    try {
      return await owner.start(spec)
    } catch (error) {
      this.#owners.delete(keyOf(spec))
      throw error
    }
  }

  async stop(task: TaskKey, graceMs: number): Promise<void> {
    await this.#owners.get(keyOf(task))?.stop(task, graceMs)
  }

  async adopt(tasks: readonly AdoptableTask[]): Promise<StartedContainer[]> {
    const byKind: Record<Kind, AdoptableTask[]> = { docker: [], process: [] }
    for (const task of tasks) byKind[await this.#kindOf(task)].push(task)
    const [docker, process] = await Promise.all([
      this.#adopt('docker', byKind),
      this.#adopt('process', byKind),
    ])
    return [...docker, ...process]
  }

  async orphans(known: readonly TaskKey[]): Promise<TaskKey[]> {
    return (await Promise.all(this.#all.map(each => each.orphans(known)))).flat()
  }

  /** Whose it is need not be known: the other has nothing to remove. */
  async removeOrphan(task: TaskKey, graceMs: number): Promise<void> {
    await Promise.all(this.#all.map(each => each.removeOrphan(task, graceMs)))
  }

  async remove(task: TaskKey): Promise<void> {
    await this.#owners.get(keyOf(task))?.remove(task)
    this.#owners.delete(keyOf(task))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(each => each.close()))
  }

  get #all(): Containerizer[] {
    const { docker, process } = this.#containerizers
    return [docker, process].filter(each => each !== undefined)
  }

  /** A task that was being started when the agent stopped has no handle; a process has left its control directory. */
  async #kindOf({ handle, sandbox }: AdoptableTask): Promise<Kind> {
    if (handle) return handle.kind
    return !this.#containerizers.docker || (await hasControlDirectory(sandbox)) ? 'process' : 'docker'
  }

  async #adopt(kind: Kind, byKind: Readonly<Record<Kind, AdoptableTask[]>>): Promise<StartedContainer[]> {
    const tasks = byKind[kind]
    const owner = this.#containerizers[kind]
    if (tasks.length === 0) return []
    // They may well run: to say that they have ended would be a guess.
    if (!owner)
      throw new Error(
        `tasks ${tasks.map(task => task.taskId).join(', ')} run in ${kind}, which is not available`,
      )
    for (const task of tasks) this.#owners.set(keyOf(task), owner)
    return owner.adopt(tasks)
  }
}

function cannotRun({ taskId, image }: ContainerSpec): string {
  return image === undefined
    ? `task ${taskId} names no image, and this agent runs no plain processes`
    : `task ${taskId} needs image ${image}, and this agent has no docker engine`
}
