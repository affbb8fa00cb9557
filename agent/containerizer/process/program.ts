import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import { ContainerStartError } from '../containerizer.js'

export interface ProgramSearch {
  readonly path: string
  readonly directory: string
}

/** Finds the program that a command names, as the shell would. @throws ContainerStartError */
export async function findProgram(program: string, { path, directory }: ProgramSearch): Promise<string> {
  if (program.includes('/')) {
    const named = resolve(directory, program)
    if (await isExecutable(named)) return named
    throw new ContainerStartError('command-not-found', `command ${program} is not an executable file`)
  }
  for (const part of path.split(delimiter)) {
    const candidate = resolve(directory, part, program)
    if (await isExecutable(candidate)) return candidate
  }
  throw new ContainerStartError(
    'command-not-found',
    `command ${JSON.stringify(program)} is not on PATH ${path}`,
  )
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
