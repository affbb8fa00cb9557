import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClusterFile } from '@tender/sdk'
import { readClusterFile } from '@tender/sdk'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

export interface CommandResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `tender` and waits for its end. */
export async function tender(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const env = { ...process.env, NO_COLOR: '1', ...options.env }
  return await new Promise(resolve => {
    execFile(process.execPath, [main, ...args], { ...options, env }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ status, stdout, stderr })
    })
  })
}

/** A real cluster of real processes, started as a user does: with `tender dev`. */
export class RunningDevCluster {
  readonly directory: string
  readonly #process: ChildProcess
  output = ''

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory
    this.#process = child
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => (this.output += String(data)))
  }

  /** Resolves when it says that the cluster runs. */
  static async start(args: readonly string[] = [], directory?: string): Promise<RunningDevCluster> {
    const root = directory ?? (await mkdtemp(join(tmpdir(), 'tender-test-')))
    const child = spawn(process.execPath, [main, 'dev', '--directory', join(root, '.tender'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    const cluster = new RunningDevCluster(root, child)
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', () => cluster.output.includes('The cluster runs.') && resolve())
      child.once('exit', status => reject(new Error(`tender dev ended with ${status}: ${cluster.output}`)))
    })
    return cluster
  }

  get file(): ClusterFile {
    const file = readClusterFile(this.directory)
    if (!file) throw new Error(`no cluster.json below ${this.directory}`)
    return file
  }

  /** `tender` as a user of this cluster: the cluster is found by its file. */
  async tender(...args: string[]): Promise<CommandResult> {
    return await tender(args, { cwd: this.directory })
  }

  async get<T>(url: string): Promise<T> {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  /** As Ctrl-C does; resolves with the exit status. */
  async interrupt(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode
    this.#process.kill('SIGINT')
    const [status] = (await once(this.#process, 'exit')) as [number | null]
    return status
  }

  /** As a crash does: it can stop nothing. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }

  async dispose(): Promise<void> {
    await this.interrupt()
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** Asks until the answer is right; fails with the last one. No sleeping longer than needed. */
export async function eventually<T>(
  timeoutMs: number,
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    if (performance.now() > endMs)
      throw new Error(`not within ${timeoutMs} ms; the last answer: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
