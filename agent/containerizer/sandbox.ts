import { createHash } from 'node:crypto'
import { chmodSync, constants, mkdirSync } from 'node:fs'
import { lstat, open, readdir, realpath, rm } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { Log } from '@tender/sdk/runtime'
import type { TaskKey } from './containerizer.js'

/** How long a sandbox is kept after it was last written. */
export const sandboxKeepMs = 7 * 24 * 60 * 60 * 1000
/** The most that one read gives: it travels in a message. */
export const maxReadBytes = 512 * 1024

export interface ReadRange {
  /** From the beginning; from the end when negative. */
  readonly offset: number
  readonly maxBytes: number
}

export interface FileRange {
  readonly data: Buffer
  /** Size of the whole file. */
  readonly size: number
  /** Where `data` begins. */
  readonly offset: number
}

/** A file of a sandbox that cannot be read, for a reason that the asker can mend. */
export class SandboxFileError extends Error {
  override readonly name = 'SandboxFileError'
  readonly reason: 'not-found' | 'not-a-file' | 'outside'
  constructor(reason: SandboxFileError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** The tasks' directories, `<workDir>/sandboxes/<frameworkId>/<taskId>`. */
export class Sandboxes {
  readonly #root: string
  readonly #log: Log

  constructor(workDir: string, log: Log) {
    this.#root = join(workDir, 'sandboxes')
    this.#log = log
  }

  path({ frameworkId, taskId }: TaskKey): string {
    return join(this.#root, encodeName(frameworkId), encodeName(taskId))
  }

  /**
   * Safe to repeat. A container's program may run as any user and must be able to write in it; other users of the host
   * are kept out further up.
   */
  make(task: TaskKey): string {
    const path = this.path(task)
    mkdirSync(this.#root, { recursive: true, mode: 0o700 })
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o777)
    return path
  }

  /** @throws SandboxFileError */
  async read(task: TaskKey, name: string, range: ReadRange): Promise<FileRange> {
    const file = await open(await this.#inside(task, name), constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw new SandboxFileError('not-a-file', `${name} is not a plain file`)
      const { size } = stat
      const offset = range.offset < 0 ? Math.max(size + range.offset, 0) : Math.min(range.offset, size)
      const wanted = Math.min(range.maxBytes, maxReadBytes, size - offset)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, offset)
      return { data: buffer.subarray(0, bytesRead), size, offset }
    } finally {
      await file.close()
    }
  }

  /** The tasks beside whose sandbox a supervisor has left something. */
  async supervised(): Promise<TaskKey[]> {
    const tasks: TaskKey[] = []
    for (const framework of await entriesOf(this.#root)) {
      for (const path of (await entriesOf(framework)).filter(isControlDirectory)) {
        const task = taskOf(basename(framework), basename(path).slice(0, -controlSuffix.length))
        if (task) tasks.push(task)
      }
    }
    return tasks
  }

  async remove(task: TaskKey): Promise<void> {
    await removeSandbox(this.path(task))
  }

  /** Removes what was not written for `sandboxKeepMs` and is not in use. Resolves with the paths removed. */
  async collectGarbage(inUse: Iterable<TaskKey>, now: number): Promise<string[]> {
    const keep = new Set(Array.from(inUse, task => this.path(task)))
    const removed: string[] = []
    for (const framework of await entriesOf(this.#root)) {
      for (const path of await entriesOf(framework)) {
        if (isControlDirectory(path) || keep.has(path)) continue
        if ((await lastWritten(path)) + sandboxKeepMs > now) continue
        if (await this.#tryRemove(path)) removed.push(path)
      }
    }
    return removed
  }

  async #tryRemove(path: string): Promise<boolean> {
    try {
      await removeSandbox(path)
      return true
    } catch (error) {
      // E.g. files that a container's root has written, under an agent that is not root.
      this.#log.warn('sandbox could not be removed', { path, error: String(error) })
      return false
    }
  }

  /** A task can put a link to any file of the host into its sandbox; the agent must not read it for somebody. */
  async #inside(task: TaskKey, name: string): Promise<string> {
    try {
      const root = await realpath(this.path(task))
      const path = await realpath(join(root, name))
      if (path.startsWith(root + sep)) return path
    } catch {
      throw new SandboxFileError('not-found', `${name} is not in the sandbox of task ${task.taskId}`)
    }
    throw new SandboxFileError('outside', `${name} leads out of the sandbox of task ${task.taskId}`)
  }
}

const longestName = 200

/** Ids are checked where they enter; this keeps a name inside its directory even if that is forgotten. */
function encodeName(id: string): string {
  const encoded = encodeURIComponent(id)
    .replace(/^\.{1,2}$/, dots => '%2E'.repeat(dots.length))
    .replaceAll('~', '%7E')
  if (encoded !== '' && encoded.length <= longestName) return encoded
  return `${encoded.slice(0, 100)}%${createHash('sha256').update(id).digest('hex')}`
}

/** Undefined when the names are too long to tell: what was cut is not known any more. */
function taskOf(framework: string, task: string): TaskKey | undefined {
  try {
    const [frameworkId, taskId] = [decodeURIComponent(framework), decodeURIComponent(task)]
    const isWhole = encodeName(frameworkId) === framework && encodeName(taskId) === task
    return isWhole ? { frameworkId, taskId } : undefined
  } catch {
    return undefined
  }
}

/** What a process's supervisor keeps beside the sandbox goes with the sandbox. */
const controlSuffix = '~run'

function isControlDirectory(path: string): boolean {
  return path.endsWith(controlSuffix)
}

async function removeSandbox(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await rm(path + controlSuffix, { recursive: true, force: true })
}

async function entriesOf(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.map(name => join(directory, name))
}

/** A directory's own time changes only when names come and go in it. */
async function lastWritten(path: string): Promise<number> {
  const times = await Promise.all(
    [path, ...(await entriesOf(path))].map(
      async entry => (await lstat(entry).catch(() => undefined))?.mtimeMs ?? 0,
    ),
  )
  return Math.max(...times)
}
