import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errors.js'
import { parseIdentity, type ProcessIdentity } from './identity.js'

/**
 * Beside the sandbox, not in it: the task has no business here. A task id cannot hold a `~`, so it is nobody's sandbox.
 */
export function controlDirectoryOf(sandbox: string): string {
  return `${sandbox}~run`
}

export const controlFiles = {
  /** Made by whoever comes first: the supervisor to start the task, or `adopt` to settle that it never will. */
  claimed: 'claimed',
  /** Who the supervisor is, as `pid bootId startTime`. */
  supervisor: 'supervisor',
  /** Who the task is. */
  task: 'task',
  /** The task's exit code; written when all of its session has ended. */
  exit: 'exit',
  /** Followed by the exit code: a full disk takes a name, but no content. */
  exitInName: 'exit=',
} as const

/** What a supervisor has told so far. */
export interface ControlFacts {
  readonly supervisor: ProcessIdentity | undefined
  readonly task: ProcessIdentity | undefined
  readonly exitCode: number | undefined
}

export async function readControlFacts(directory: string): Promise<ControlFacts> {
  const exit = (await readOrNothing(join(directory, controlFiles.exit))) ?? (await exitInName(directory))
  const [supervisor, task] = await Promise.all([
    readOrNothing(join(directory, controlFiles.supervisor)),
    readOrNothing(join(directory, controlFiles.task)),
  ])
  return {
    supervisor: parseIdentity(supervisor),
    task: parseIdentity(task),
    exitCode: exit === undefined ? undefined : Number(exit),
  }
}

export async function makeControlDirectory(directory: string): Promise<'made' | 'exists'> {
  try {
    await mkdir(directory, { mode: 0o700 })
    return 'made'
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'exists'
    throw error
  }
}

export async function hasControlDirectory(sandbox: string): Promise<boolean> {
  return stat(controlDirectoryOf(sandbox)).then(
    () => true,
    () => false,
  )
}

/** True when no supervisor has started the task, and none ever will. */
export async function claimUnstarted(directory: string): Promise<boolean> {
  try {
    await mkdir(join(directory, controlFiles.claimed))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (codeOf(error) === 'ENOENT') return true
    throw error
  }
}

export async function removeControlDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

async function exitInName(directory: string): Promise<string | undefined> {
  const names = await readdir(directory).catch((): string[] => [])
  return names.find(name => name.startsWith(controlFiles.exitInName))?.slice(controlFiles.exitInName.length)
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
