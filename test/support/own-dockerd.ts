import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { connectEngine } from '../../agent/containerizer/docker/engine.js'
import { awaitEngine, engineAnswers } from './dockerd.js'
import { importBusyboxInto } from './engine.js'

const startTimeoutMs = 30_000

/** A docker engine for one test, beside the one of the host: it may be killed. */
export class OwnDockerd {
  readonly #directory: string
  /** A bridge of its own: an engine that is told to have none removes that of the host's engine. */
  readonly #bridge = `td${randomBytes(4).toString('hex')}`
  /** Of its own, as where systemd runs both: it outlives the engine's end. */
  #containerd: ChildProcess | undefined
  #dockerd: ChildProcess | undefined

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** With the test image. Skips the test where there can be none. */
  static async create(context: Context): Promise<OwnDockerd> {
    if (process.getuid?.() !== 0) context.skip()
    const engine = new OwnDockerd(await mkdtemp(join(tmpdir(), 'tender-engine-')))
    try {
      await engine.start()
      const connection = await connectEngine({ host: engine.host })
      if (!connection) throw new Error('it does not answer')
      await importBusyboxInto(connection.docker)
      return engine
    } catch (error) {
      await engine.dispose()
      if (process.env['CI'] === 'true') throw error
      console.log(`      a second docker engine does not run here: ${String(error)}`)
      return context.skip()
    }
  }

  /** In the form of DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#path('docker.sock')}`
  }

  /** Also after `kill`. */
  async start(): Promise<void> {
    const containerd = this.#path('containerd.sock')
    if (!this.#containerd) ip('link', 'add', this.#bridge, 'type', 'bridge')
    this.#containerd ??= await this.#spawn('containerd', [
      ...['--address', containerd, '--root', this.#path('root'), '--state', this.#path('state')],
    ])
    this.#dockerd = await this.#spawn('dockerd', [
      ...['--host', this.host, '--containerd', containerd, '--pidfile', this.#path('pid')],
      ...['--data-root', this.#path('data'), '--exec-root', this.#path('exec')],
      ...['--bridge', this.#bridge, '--iptables=false', '--ip6tables=false'],
      ...['--storage-driver', 'vfs', '--live-restore'],
    ])
    if (await awaitEngine(this.host, AbortSignal.timeout(startTimeoutMs))) return
    throw new Error(`it does not answer: ${(await readFile(this.#path('log'), 'utf8')).slice(-1_000)}`)
  }

  /** As a crash does. Its containers run on. */
  async kill(): Promise<void> {
    await end(this.#dockerd, 'SIGKILL')
  }

  async dispose(): Promise<void> {
    if (!isAlive(this.#dockerd)) await this.start().catch(() => undefined)
    if (await engineAnswers(this.host)) await this.#removeContainers()
    await end(this.#dockerd, 'SIGTERM')
    await end(this.#containerd, 'SIGTERM')
    ip('link', 'delete', this.#bridge)
    // The engine mounts its data upon itself, and leaves that.
    spawnSync('umount', [this.#path('data')])
    await rm(this.#directory, { recursive: true, force: true })
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }

  async #spawn(command: string, args: readonly string[]): Promise<ChildProcess> {
    const log = openSync(this.#path('log'), 'a')
    const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`
    const child = spawn(command, args, { env: { ...process.env, PATH }, stdio: ['ignore', log, log] })
    closeSync(log)
    await once(child, 'spawn')
    return child
  }

  async #removeContainers(): Promise<void> {
    const docker = (await connectEngine({ host: this.host }))?.docker
    for (const { Id } of (await docker?.listContainers({ all: true })) ?? [])
      await docker?.getContainer(Id).remove({ force: true })
  }
}

function isAlive(child: ChildProcess | undefined): child is ChildProcess {
  return child?.exitCode === null && child.signalCode === null
}

async function end(child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!isAlive(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

/** Of iproute2, which a Docker engine brings along. */
function ip(...args: readonly string[]): void {
  const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`
  spawnSync('ip', args, { env: { ...process.env, PATH } })
}
