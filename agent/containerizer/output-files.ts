import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'

export const outputNames = ['stdout', 'stderr'] as const
export type OutputName = (typeof outputNames)[number]
export type OutputFiles = Readonly<Record<OutputName, FileHandle>>

// The task can write into its sandbox, and the agent often runs as root: a link that a task puts in place of its
// output must not be followed, and a pipe must not make us wait.
const safely = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a sandbox's `stdout` and `stderr`, which are made if they are missing. */
export async function openOutputFiles(sandbox: string, flags = 0): Promise<OutputFiles> {
  const stdout = await openOutput(join(sandbox, 'stdout'), flags)
  try {
    return { stdout, stderr: await openOutput(join(sandbox, 'stderr'), flags) }
  } catch (error) {
    await stdout.close()
    throw error
  }
}

export async function closeOutputFiles(files: OutputFiles): Promise<void> {
  await Promise.all(outputNames.map(name => files[name].close()))
}

async function openOutput(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, safely | flags, 0o644)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new Error(`${path} must be a plain file`)
}

/** The beginning of an output file; empty when there is none. */
export async function readStart(sandbox: string, name: OutputName): Promise<string> {
  const file = await openOutput(join(sandbox, name), 0).catch(() => undefined)
  if (!file) return ''
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
  await file.close()
  return buffer.toString('utf8', 0, bytesRead)
}
