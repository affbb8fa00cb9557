import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { keepBinary, withWorkFolder } from './cache.js'
import { type CommandResult, findExecutable, lastLine, run } from './command.js'
import type { NatsSource } from './source.js'

export type DebianOptions = {
  /** Whether the machine's own package lists may be used; a test says no to go the long way. */
  readonly systemLists?: boolean
  readonly timeoutMs?: number
}

type Surroundings = {
  readonly cacheDir: string
  readonly folders: readonly string[]
  readonly log: (line: string) => void
}

/**
 * Unpacks Debian's package into the cache. Nothing is installed, so it needs no root and leaves no service behind;
 * apt has checked the archive's signature and the package's SHA-256.
 */
export async function debianPackage(around: Surroundings, options: DebianOptions): Promise<NatsSource> {
  return withWorkFolder(around.cacheDir, async work => {
    const root = await unpackPackage('nats-server', { ...around, work }, options)
    const binary = await findExecutable('nats-server', [join(root, 'usr/sbin'), join(root, 'usr/bin')])
    if (!binary) throw new Error('the package nats-server holds no usr/sbin/nats-server')
    return keepBinary(around.cacheDir, binary, "Debian's package")
  })
}

/** Downloads a Debian package and unpacks it below the work folder; answers the folder that stands for `/`. */
export async function unpackPackage(
  name: string,
  around: Surroundings & { readonly work: string },
  options: DebianOptions = {},
): Promise<string> {
  const aptGet = await findExecutable('apt-get', around.folders)
  const dpkgDeb = await findExecutable('dpkg-deb', around.folders)
  if (!aptGet || !dpkgDeb) throw new Error('apt-get and dpkg-deb are not on this machine')

  around.log(`fetching Debian's package ${name} into ${around.cacheDir}`)
  const apt = new Apt(aptGet, around.work, options.timeoutMs ?? 120_000)
  const downloaded =
    (options.systemLists !== false && (await apt.download(name, []))) ||
    (await apt.downloadWithOwnLists(name))
  if (!downloaded) throw new Error(`apt-get download ${name} failed: ${apt.lastFailure}`)

  const root = join(around.work, 'root')
  const unpacked = await run(dpkgDeb, ['-x', downloaded, root], { timeoutMs: 60_000 })
  if (!unpacked.ok) throw new Error(`dpkg-deb could not unpack ${name}: ${lastLine(unpacked.stderr)}`)
  return root
}

class Apt {
  lastFailure = ''
  readonly #program: string
  readonly #work: string
  readonly #timeoutMs: number

  constructor(program: string, work: string, timeoutMs: number) {
    this.#program = program
    this.#work = work
    this.#timeoutMs = timeoutMs
  }

  async download(name: string, settings: readonly string[]): Promise<string | undefined> {
    const result = await this.#run([...settings, 'download', name])
    const archive = (await readdir(this.#work)).find(file => file.endsWith('.deb'))
    if (result.ok && archive) return join(this.#work, archive)
    this.lastFailure = reasonOf(result)
    return undefined
  }

  /** The machine's lists are missing (apt-get update has never run) or too old, and only root may renew them. */
  async downloadWithOwnLists(name: string): Promise<string | undefined> {
    const own = join(this.#work, 'apt')
    await mkdir(join(own, 'lists', 'partial'), { recursive: true })
    await mkdir(join(own, 'archives', 'partial'), { recursive: true })
    const settings = ['-o', `Dir::State::lists=${join(own, 'lists')}`, '-o', `Dir::Cache=${own}`]
    // Its status says little: one unreachable third-party source makes it fail although Debian's lists have come.
    await this.#run([...settings, '-o', 'Acquire::Languages=none', 'update'])
    return this.download(name, settings)
  }

  #run(args: readonly string[]): Promise<CommandResult> {
    // As root, apt would hand its downloads to the user _apt, who may not write here.
    const common = [
      '-q',
      '-o',
      'APT::Sandbox::User=root',
      '-o',
      'Acquire::Retries=1',
      '-o',
      'Acquire::http::Timeout=20',
    ]
    return run(this.#program, [...common, ...args], {
      timeoutMs: this.#timeoutMs,
      cwd: this.#work,
    })
  }
}

/** apt's first error line names the cause; those that follow are consequences. */
function reasonOf(result: CommandResult): string {
  const cause = result.stderr.split('\n').find(line => line.startsWith('E:'))
  return cause ?? lastLine(result.stderr)
}
