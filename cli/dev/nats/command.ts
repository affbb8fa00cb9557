import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** How a finished program ended. `status` is null when a signal or the time limit ended it. */
export type CommandResult = {
  readonly ok: boolean
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export type CommandOptions = {
  readonly timeoutMs: number
  readonly cwd?: string
}

/** Runs a program to its end, within a time limit. A program that fails is a result, not an exception. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', error => resolve({ ok: false, status: null, stdout, stderr: error.message }))
    child.once('close', (status, signal) => {
      if (signal) stderr += `\n${program} was ended by ${signal} (time limit ${options.timeoutMs} ms)`
      resolve({ ok: status === 0, status, stdout, stderr })
    })
  })
}

/** The last line that says something: with apt, docker and the like, that is the reason of a failure. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return lines.at(-1)?.trim() ?? 'no output'
}

/** The first executable file of that name in the folders, looked at in order. */
export async function findExecutable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, name)
    if (await isExecutable(file)) return file
  }
  return undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function foldersOfPath(path: string): readonly string[] {
  return path.split(delimiter).filter(folder => folder !== '')
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
