import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { readdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type AgentId, resources, taskInfo, taskStatus, validator } from '@tender/sdk/protocol'
import { describeError, type Log } from '@tender/sdk/runtime'
import { Resources, type WireResources } from '@tender/sdk/values'
import type { AgentTaskState } from '../core/task.js'

/** Version of the files below. */
const fileVersion = 1

interface Checked {
  readonly v: number
  /** SHA-256 of the record's JSON: a torn or changed file is recognised. */
  readonly sha256: string
  readonly record: unknown
}

interface TaskFile {
  readonly frameworkId: string
  readonly taskId: string
}

/** What the leader has made of an agent's resources. */
export interface ResourcesFile {
  readonly revision: number
  /** All that there is, reservations and volumes included. */
  readonly resources: WireResources
  /** What the agent was started with, before the leader changed anything. */
  readonly startedWith: WireResources
}

const checkInfo = validator(taskInfo)
const checkStatus = validator(taskStatus)
const checkResources = validator(resources)

/**
 * What an agent must know after a restart, in its work directory: its id, what was reserved of it, and a file for each
 * task. A file is written beside the old one, synchronised to the disk, and then takes its place, so that there is always a whole one.
 */
export class Checkpoint {
  readonly #directory: string
  readonly #log: Log

  constructor(workDir: string, log: Log) {
    this.#directory = join(workDir, 'checkpoint')
    this.#log = log
  }

  /** The agent's id, made by `make` at the first start. */
  async agentId(make: () => AgentId): Promise<AgentId> {
    const path = join(this.#directory, 'agent.json')
    const known = (await this.#read(path)) as { agentId?: unknown } | undefined
    if (typeof known?.agentId === 'string') return known.agentId
    const agentId = make()
    this.#write(path, { agentId })
    return agentId
  }

  /** Undefined when the leader has changed nothing yet. */
  async resources(): Promise<ResourcesFile | undefined> {
    const record = await this.#read(this.#resourcesPath)
    if (record === undefined || isResourcesFile(record)) return record
    await this.#setAside(this.#resourcesPath, 'it has no resources')
    return undefined
  }

  /** On the disk when it returns. */
  writeResources(file: ResourcesFile): void {
    this.#write(this.#resourcesPath, file)
  }

  async tasks(): Promise<AgentTaskState[]> {
    const root = join(this.#directory, 'tasks')
    const tasks: AgentTaskState[] = []
    for (const framework of await list(root)) {
      for (const file of await list(join(root, framework))) {
        if (!file.endsWith('.json')) continue
        const path = join(root, framework, file)
        const record = await this.#read(path)
        if (record === undefined) continue
        if (isTask(record)) tasks.push(record)
        else await this.#setAside(path, 'it is no task')
      }
    }
    return tasks
  }

  /** On the disk when it returns. */
  write(task: AgentTaskState): void {
    this.#write(this.#taskPath({ frameworkId: task.frameworkId, taskId: task.info.taskId }), task)
  }

  forget(task: TaskFile): void {
    const path = this.#taskPath(task)
    rmSync(path, { force: true })
    // The last task of a framework takes its directory along; that of another one does not let it be removed.
    try {
      rmdirSync(dirname(path))
    } catch {}
  }

  get #resourcesPath(): string {
    return join(this.#directory, 'resources.json')
  }

  /** Ids are letters, digits, `.`, `_` and `-`, and never begin with a dot: they are file names as they are. */
  #taskPath({ frameworkId, taskId }: TaskFile): string {
    return join(this.#directory, 'tasks', frameworkId, `${taskId}.json`)
  }

  /**
   * Synchronous on purpose: it takes half a millisecond, most of it the disk's, and the launch that waits for it would
   * lose more than that on the way through a pool of threads.
   */
  #write(path: string, record: unknown): void {
    const json = JSON.stringify(record)
    const text = `{"v":${fileVersion},"sha256":"${hash(json)}","record":${json}}`
    const next = `${path}.next`
    const directory = dirname(path)
    try {
      writeSynchronised(next, text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      mkdirSync(directory, { recursive: true })
      writeSynchronised(next, text)
    }
    renameSync(next, path)
    synchronise(directory)
  }

  async #read(path: string): Promise<unknown> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return undefined
    try {
      const { v, sha256, record } = JSON.parse(text) as Checked
      if (v !== fileVersion) throw new TypeError(`its version is ${v}, this program reads ${fileVersion}`)
      if (sha256 !== hash(JSON.stringify(record))) throw new TypeError('its checksum is wrong')
      return record
    } catch (error) {
      await this.#setAside(path, describeError(error))
      return undefined
    }
  }

  async #setAside(path: string, reason: string): Promise<void> {
    await rename(path, `${path}.corrupt`)
    this.#log.error('a checkpoint file cannot be read; it is set aside, the others count', {
      file: `${path}.corrupt`,
      reason,
    })
  }
}

function isTask(record: unknown): record is AgentTaskState {
  if (typeof record !== 'object' || record === null) return false
  const { frameworkId, role, info, state, updates, lastSequence } = record as Partial<AgentTaskState>
  return (
    typeof frameworkId === 'string' &&
    typeof role === 'string' &&
    typeof state === 'string' &&
    Number.isInteger(lastSequence) &&
    checkInfo(info).ok &&
    Array.isArray(updates) &&
    updates.every(update => checkStatus(update).ok)
  )
}

function isResourcesFile(record: unknown): record is ResourcesFile {
  if (typeof record !== 'object' || record === null) return false
  const { revision, resources, startedWith } = record as Partial<ResourcesFile>
  return Number.isInteger(revision) && [resources, startedWith].every(isResources)
}

function isResources(wire: unknown): boolean {
  const checked = checkResources(wire)
  if (!checked.ok) return false
  try {
    Resources.fromWire(checked.value)
    return true
  } catch {
    return false
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function list(directory: string): Promise<string[]> {
  const names: string[] = await readdir(directory).catch(() => [])
  return names.toSorted()
}

function writeSynchronised(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** So that the rename itself survives a power failure. */
function synchronise(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
