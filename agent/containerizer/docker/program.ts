import type { Readable } from 'node:stream'
import { posix } from 'node:path'
import type Dockerode from 'dockerode'
import { statusOf } from './engine.js'
import { sandboxMount } from './create-options.js'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const maxRemembered = 1_000

/**
 * Looks whether the program that a container is to run exists in it. The engine would say so by itself, were it not that
 * containers run under its init process: what the engine starts is then the init, which always exists, and a missing
 * program would only be seen as an exit with code 127.
 */
export class ProgramCheck {
  /** What was found, by image: most starts are of programs that have been started before. */
  readonly #found = new Set<string>()

  /** Undefined when the program is there (or nothing can be said), else a sentence. */
  async problem(
    container: Dockerode.Container,
    info: Dockerode.ContainerInspectInfo,
  ): Promise<string | undefined> {
    const paths = candidates(info)
    const key = JSON.stringify([info.Image, paths])
    if (this.#found.has(key)) return undefined
    for (const path of paths) {
      if (!(await exists(container, path))) continue
      if (this.#found.size >= maxRemembered) this.#found.clear()
      if (!path.startsWith(sandboxMount)) this.#found.add(key)
      return undefined
    }
    return `looked for ${paths.join(', ')}`
  }
}

/** What of a container's description says which program it runs. */
interface ProgramFacts {
  readonly Path: string
  readonly Config: { readonly WorkingDir?: string; readonly Env?: readonly string[] }
}

export function candidates({ Path: program, Config: config }: ProgramFacts): string[] {
  const directory = config.WorkingDir || '/'
  if (program.includes('/')) return [posix.resolve(directory, program)]
  const path = config.Env?.find(entry => entry.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath
  return path.split(':').map(part => posix.resolve(directory, part || '.', program))
}

async function exists(container: Dockerode.Container, path: string): Promise<boolean> {
  try {
    const answer = (await container.infoArchive({ path })) as Readable
    answer.resume()
    return true
  } catch (error) {
    // Other trouble says nothing about the program; starting it will show.
    return statusOf(error) !== 404
  }
}
