import { join } from 'node:path'
import type { AgentId } from '@tender/sdk/protocol'
import { describeError, type Log, type Millis } from '@tender/sdk/runtime'
import type { AgentTaskState } from '../core/task.js'
import type { StartedWith } from '../resources/started-with.js'
import { DiskError } from './disk-error.js'
import { RecordFiles } from './record-files.js'
import { isId, isResourcesRecord, isStart, isStartedWith, isTask, type ResourcesRecord } from './records.js'

interface TaskOf {
  readonly frameworkId: string
  readonly taskId: string
}

/**
 * What an agent must know after a restart, in its work directory: its id, what it was started with, what was reserved of
 * it, and a file for each task. What is damaged is set aside and named in the log; all the rest counts.
 */
export class Checkpoint {
  readonly #directory: string
  readonly #log: Log
  readonly #files: RecordFiles

  constructor(workDir: string, log: Log) {
    this.#directory = join(workDir, 'checkpoint')
    this.#log = log
    this.#files = new RecordFiles(log)
  }

  /** @throws NewerFileError when a newer Tender has written some of it; nothing has been changed then */
  refuseNewer(): Promise<void> {
    return this.#files.refuseNewer(this.#directory)
  }

  /**
   * The agent's id, made by `make` at the first start. Kept twice, each file enough: without it, all that the leader
   * knows of this agent, and the labels of its containers, would be somebody else's.
   */
  async agentId(make: () => AgentId): Promise<AgentId> {
    const isFirstStart = (await this.#files.list(this.#directory)).length === 0
    const paths = ['agent.json', 'agent-copy.json'].map(name => join(this.#directory, name))
    const records = []
    for (const path of paths) records.push(await this.#files.read(path, isId))
    const agentId = records.find(record => record !== undefined)?.agentId ?? make()
    if (records.every(record => record === undefined) && !isFirstStart) {
      this.#log.error(
        'the id of this agent is lost; it goes on as another agent, whose tasks are to be new',
        {
          agentId,
          files: paths,
        },
      )
    }
    for (const [index, path] of paths.entries()) {
      if (records[index]?.agentId !== agentId) this.#writeId(path, agentId, !isFirstStart)
    }
    return agentId
  }

  /**
   * A number that is greater at each start, so that the leader knows the newer of two agents that use one id. Seconds
   * since 1970, so that it grows also when its file is damaged; and more than before, when the host's clock was set back.
   */
  async countStart(now: Millis): Promise<number> {
    const path = this.#path('starts')
    const before = await this.#files.read(path, isStart)
    const starts = Math.max((before?.starts ?? 0) + 1, Math.floor(now / 1000))
    this.#tryToWrite(path, { starts })
    return starts
  }

  /** Later on, a disk that takes nothing is no reason not to start. */
  #writeId(path: string, agentId: AgentId, isKnown: boolean): void {
    if (isKnown) this.#tryToWrite(path, { agentId })
    else this.#files.write(path, { agentId })
  }

  #tryToWrite(path: string, record: object): void {
    try {
      this.#files.write(path, record)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#log.warn('a file of the checkpoint could not be written', {
        file: path,
        error: describeError(error),
      })
    }
  }

  /** Undefined when the leader has changed nothing yet. */
  resources(): Promise<ResourcesRecord | undefined> {
    return this.#files.read(this.#path('resources'), isResourcesRecord)
  }

  /** @throws DiskError */
  writeResources(record: ResourcesRecord): void {
    this.#files.write(this.#path('resources'), record)
  }

  /** Undefined at the first start. */
  startedWith(): Promise<StartedWith | undefined> {
    return this.#files.read(this.#path('started-with'), isStartedWith)
  }

  /** @throws DiskError */
  writeStartedWith(record: StartedWith): void {
    this.#files.write(this.#path('started-with'), record)
  }

  async tasks(): Promise<AgentTaskState[]> {
    const tasks: AgentTaskState[] = []
    for (const directory of await this.#files.listDirectories(join(this.#directory, 'tasks'))) {
      for (const path of await this.#files.list(directory)) {
        const task = await this.#files.read(path, isTask)
        if (!task) continue
        if (path === this.#taskPath(taskOf(task))) tasks.push(task)
        else await this.#files.setAside(path, `it is of task ${task.info.taskId} of ${task.frameworkId}`)
      }
    }
    return tasks
  }

  /**
   * On the disk when it returns.
   * @throws DiskError
   */
  write(task: AgentTaskState): void {
    this.#files.write(this.#taskPath(taskOf(task)), task)
  }

  /** @throws DiskError */
  forget(task: TaskOf): void {
    this.#files.remove(this.#taskPath(task))
  }

  /**
   * Whether records can be written (again): writes one as large as those of most tasks.
   * @throws DiskError
   */
  probe(): void {
    const path = this.#path('probe')
    this.#files.write(path, { filler: 'x'.repeat(4_096) })
    this.#files.remove(path)
  }

  #path(name: string): string {
    return join(this.#directory, `${name}.json`)
  }

  /** Ids are letters, digits, `.`, `_` and `-`, and never begin with a dot: they are file names as they are. */
  #taskPath({ frameworkId, taskId }: TaskOf): string {
    return join(this.#directory, 'tasks', frameworkId, `${taskId}.json`)
  }
}

function taskOf({ frameworkId, info: { taskId } }: AgentTaskState): TaskOf {
  return { frameworkId, taskId }
}
