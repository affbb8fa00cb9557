import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { silentLog } from '@tender/sdk/runtime'
import type Dockerode from 'dockerode'
import type { Context } from 'mocha'
import type {
  AdoptableTask,
  Containerizer,
  ContainerHandle,
  ContainerSpec,
} from '../../../agent/containerizer/containerizer.js'
import { DockerContainerizer } from '../../../agent/containerizer/docker/docker-containerizer.js'
import type { EngineConnection } from '../../../agent/containerizer/docker/engine.js'
import { clusterLabel } from '../../../agent/containerizer/docker/labels.js'
import { removeLabelled } from '../../../agent/containerizer/docker/remove-labelled.js'
import { baseEnvironment } from '../../../agent/containerizer/process/environment.js'
import { ProcessContainerizer } from '../../../agent/containerizer/process/process-containerizer.js'
import { Sandboxes } from '../../../agent/containerizer/sandbox.js'
import { busyboxImage, requireEngine } from '../../support/engine.js'
import { Told } from './told.js'

export const frameworkId = 'containerizer-tests'

/** One agent's containerizer with its tasks, and all that has to be cleared away afterwards. */
export abstract class Rig {
  abstract readonly image: string | undefined
  /** Well-formed, and of no container that there is. */
  abstract readonly lostHandle: ContainerHandle
  /** What runs, or is still held, on behalf of this rig. */
  abstract leftovers(): Promise<string[]>
  protected abstract make(told: Told): Containerizer

  told = new Told()
  readonly root: string
  readonly sandboxes: Sandboxes
  #current: Containerizer | undefined

  constructor(root: string) {
    this.root = root
    this.sandboxes = new Sandboxes(root, silentLog)
  }

  get containerizer(): Containerizer {
    this.#current ??= this.make(this.told)
    return this.#current
  }

  /** As a restart of the agent does: all that it held in memory is gone. */
  async restart(): Promise<void> {
    await this.#current?.close()
    this.told = new Told()
    this.#current = undefined
  }

  async spec(command: readonly string[], changes: Partial<ContainerSpec> = {}): Promise<ContainerSpec> {
    const task = { frameworkId, taskId: `task-${randomUUID().slice(0, 8)}` }
    return {
      ...task,
      command,
      env: {},
      ...(this.image === undefined ? {} : { image: this.image }),
      forcePull: false,
      network: 'none',
      portMappings: [],
      cpuMillis: 100,
      memMb: 32,
      labels: {},
      sandbox: this.sandboxes.make(task),
      ...changes,
    }
  }

  async cleanUp(): Promise<void> {
    await this.#current?.close()
    await this.clear()
    await rm(this.root, { recursive: true, force: true })
  }

  protected abstract clear(): Promise<void>
}

class DockerRig extends Rig {
  readonly image = busyboxImage
  readonly lostHandle = { kind: 'docker', containerId: 'f'.repeat(64) } as const
  readonly cluster = `test-${randomUUID().slice(0, 8)}`
  engine: EngineConnection
  pullStallMs = 5_000
  adoptWaitMs = 5_000

  constructor(root: string, engine: EngineConnection) {
    super(root)
    this.engine = engine
  }

  protected make(events: Told): Containerizer {
    const { engine, cluster, pullStallMs, adoptWaitMs } = this
    return new DockerContainerizer({
      engine,
      cluster,
      agentId: 'agent-1',
      log: silentLog,
      events,
      pullStallMs,
      adoptWaitMs,
    })
  }

  leftovers(): Promise<string[]> {
    return this.engineLeftovers(this.engine.docker)
  }

  async engineLeftovers(docker: Dockerode): Promise<string[]> {
    const filters = { label: [`${clusterLabel}=${this.cluster}`] }
    const containers = await docker.listContainers({ all: true, filters })
    return containers.map(container => `${container.Names.join()} ${container.State}`)
  }

  protected async clear(): Promise<void> {
    await removeLabelled(this.engine.docker, this.cluster)
  }
}

class ProcessRig extends Rig {
  readonly image = undefined
  // This very process, if only its pid were looked at.
  readonly lostHandle = { kind: 'process', pid: process.pid, startTime: '1', bootId: 'another' } as const

  protected make(events: Told): Containerizer {
    const environment = baseEnvironment(process.env)
    return new ProcessContainerizer({ log: silentLog, events, sandboxes: this.sandboxes, environment })
  }

  /** Without supervisors: one that has told the end of its task is about to end. */
  async leftovers(): Promise<string[]> {
    const all = await this.#processes()
    const lines = await Promise.all(
      all.map(pid => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
    )
    return all.filter((_, index) => lines[index] !== '' && !lines[index]?.includes('~run'))
  }

  protected async clear(): Promise<void> {
    for (const pid of await this.#processes()) killQuietly(Number(pid))
  }

  async #processes(): Promise<string[]> {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
    const found = await Promise.all(pids.map(async pid => ((await this.#isOurs(pid)) ? [pid] : [])))
    return found.flat()
  }

  /** Each task, and its supervisor, has its sandbox in its environment. */
  async #isOurs(pid: string): Promise<boolean> {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    return environment.includes(`TENDER_SANDBOX=${this.root}`)
  }
}

export async function makeDockerRig(context: Context): Promise<DockerRig> {
  const engine = await requireEngine(context)
  return new DockerRig(await temporaryDirectory(), engine)
}

export async function makeProcessRig(): Promise<ProcessRig> {
  return new ProcessRig(await temporaryDirectory())
}

export function adoptable(spec: ContainerSpec, handle?: ContainerHandle): AdoptableTask {
  const { taskId, sandbox } = spec
  return { frameworkId, taskId, sandbox, ...(handle ? { handle } : {}) }
}

export function output({ sandbox }: ContainerSpec, name: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  return readFile(join(sandbox, name), 'utf8')
}

/** Waits until the task has written something: what it does next, we know, it is ready for. */
export async function untilOutput(spec: ContainerSpec, text: string): Promise<void> {
  while (!(await output(spec)).includes(text)) await delay(10)
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10)
}

/** A port of this host that somebody listens on, until `release`. */
export async function takenPort(): Promise<{ readonly port: number; readonly release: () => Promise<void> }> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const release = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return { port: address.port, release }
}

export async function freePort(): Promise<number> {
  const { port, release } = await takenPort()
  await release()
  return port
}

function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tender-containerizer-'))
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
