import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Subjects } from '@tender/sdk/protocol'
import { connectNats } from '@tender/sdk/runtime'
import { unpack } from 'msgpackr'
import type { NatsConnection } from 'nats'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const patienceMs = 15_000

/** What a leader says of itself, and when it was heard. */
export interface HeardBeacon {
  readonly masterId: string
  readonly httpUrl: string
  readonly epoch: number
  readonly atMs: number
}

/** Masters of one cluster, each a process of its own, as their beacons show them. */
export class MasterProcesses {
  readonly beacons: HeardBeacon[] = []
  readonly #nats: string
  readonly #flags: readonly string[]
  readonly #connection: NatsConnection
  readonly #processes = new Map<string, MasterProcess>()
  readonly #news = new EventEmitter().setMaxListeners(100)

  private constructor(nats: string, connection: NatsConnection, flags: readonly string[]) {
    this.#nats = nats
    this.#flags = flags
    this.#connection = connection
    connection.subscribe(new Subjects('default').leader, {
      callback: (_error, message) => {
        const { epoch, body } = unpack(message.data) as { epoch: number; body: HeardBeacon }
        this.beacons.push({
          masterId: body.masterId,
          httpUrl: body.httpUrl,
          epoch,
          atMs: performance.now(),
        })
        this.#news.emit('beacon')
      },
    })
  }

  static async on(nats: string, ...flags: string[]): Promise<MasterProcesses> {
    return new MasterProcesses(nats, await connectNats(nats, 'test'), flags)
  }

  /** Starts one; resolves when it stands for election. */
  async start(): Promise<MasterProcess> {
    const master = new MasterProcess(['--nats', this.#nats, ...this.#flags])
    await master.answers()
    this.#processes.set(master.url, master)
    return master
  }

  /** The process that a beacon is of. */
  of(beacon: HeardBeacon): MasterProcess {
    const found = this.#processes.get(beacon.httpUrl)
    if (!found) throw new Error(`no master of this test answers at ${beacon.httpUrl}`)
    return found
  }

  async hearsMore(count: number): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs)
    for (let heard = 0; heard < count; heard++) await once(this.#news, 'beacon', { signal: deadline })
  }

  /** The first beacon of an epoch that is newer than this one. */
  async leaderAfter(epoch: number): Promise<HeardBeacon> {
    const deadline = AbortSignal.timeout(patienceMs)
    for (;;) {
      const found = this.beacons.find(each => each.epoch > epoch)
      if (found) return found
      await once(this.#news, 'beacon', { signal: deadline })
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#processes.values()].map(master => master.end('SIGKILL')))
    await this.#connection.close()
  }
}

export class MasterProcess {
  readonly #process: ChildProcess
  #output = ''

  constructor(flags: readonly string[]) {
    const args = ['master', '--port', '0', '--stop-with-stdin', '--log-format', 'json', ...flags]
    this.#process = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdout?.on('data', (data: Buffer) => (this.#output += String(data)))
  }

  get url(): string {
    return /master answers at (http:\/\/[\w.:]+)/.exec(this.#output)?.[1] ?? ''
  }

  async answers(): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs)
    while (this.url === '') await once(this.#process.stdout as EventEmitter, 'data', { signal: deadline })
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Sends a signal that ends it; resolves when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill(signal)
    await ended
  }
}
