import { EventEmitter, once } from 'node:events'
import { decoder, leaderToEveryone, Subjects } from '@tender/sdk/protocol'
import { connectNats, NatsTransport, silentLog } from '@tender/sdk/runtime'
import { BenchPart } from '../parts.js'

/** A master that has begun to lead, and when its first beacon was heard, by `performance.now()`. */
export interface Leader {
  readonly httpUrl: string
  readonly epoch: number
  readonly atMs: number
}

/** The masters of a cluster, each a process of its own; who leads is known by the beacons. */
export class Masters {
  readonly #nats: string
  readonly #cluster: string
  readonly #transport: NatsTransport
  readonly #parts = new Map<string, BenchPart>()
  readonly #news = new EventEmitter()
  #leader: Leader | undefined

  private constructor(nats: string, cluster: string, transport: NatsTransport) {
    this.#nats = nats
    this.#cluster = cluster
    this.#transport = transport
    const decode = decoder(leaderToEveryone)
    transport.subscribe(new Subjects(cluster).leader, bytes => {
      const decoded = decode(bytes)
      if (!decoded.ok || decoded.message.epoch <= (this.#leader?.epoch ?? 0)) return
      const { epoch, body } = decoded.message
      this.#leader = { epoch, httpUrl: body.httpUrl, atMs: performance.now() }
      this.#news.emit('leader')
    })
  }

  static async of(nats: string, cluster: string): Promise<Masters> {
    return new Masters(nats, cluster, new NatsTransport(await connectNats(nats, 'bench'), silentLog))
  }

  /** One more; resolves when it stands for election. Offers stay until they are answered. */
  async start(): Promise<void> {
    const args = ['master', '--nats', this.#nats, '--cluster', this.#cluster, '--port', '0']
    const part = new BenchPart([...args, '--offer-timeout', '0s', '--log-format', 'json'])
    this.#parts.set(await part.says(/answers at (http:[^\s"]+)/), part)
  }

  async leaderAfter(epoch: number): Promise<Leader> {
    while (!this.#leader || this.#leader.epoch <= epoch) await once(this.#news, 'leader')
    return this.#leader
  }

  get leader(): Leader {
    if (!this.#leader) throw new Error('no master leads')
    return this.#leader
  }

  pidAt(httpUrl: string): number {
    return this.#of(httpUrl).pid
  }

  /** The leader is sent a signal that ends it. @returns when that was */
  endLeader(signal: 'SIGTERM' | 'SIGKILL'): number {
    const { httpUrl } = this.leader
    const part = this.#of(httpUrl)
    this.#parts.delete(httpUrl)
    const atMs = performance.now()
    part.signal(signal)
    return atMs
  }

  get standbyUrls(): string[] {
    return [...this.#parts.keys()].filter(url => url !== this.#leader?.httpUrl)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts.values()].map(part => part.stop()))
    await this.#transport.close()
  }

  #of(httpUrl: string): BenchPart {
    const part = this.#parts.get(httpUrl)
    if (!part) throw new Error(`no master of this benchmark answers at ${httpUrl}`)
    return part
  }
}

/** Figures of a master's /metrics, by name and labels as they stand there. */
export async function metricsOf(httpUrl: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  const figures = new Map(
    text
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
  return name => figures.get(name) ?? Number.NaN
}
