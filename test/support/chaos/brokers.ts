import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryPort } from '../../../cli/dev/free-port.js'
import { natsBinary } from '../nats.js'
import { answered, ChaosProcess } from './chaos-process.js'

interface Address {
  readonly name: string
  readonly port: number
  readonly monitorPort: number
  readonly routePort: number
}

interface StreamDetail {
  readonly name: string
  readonly cluster?: {
    readonly leader?: string
    readonly replicas?: readonly { readonly current?: boolean }[]
  }
}

/** One nats-server with JetStream, or a cluster of three. Each keeps its port and its data when it is started again. */
export class Brokers {
  readonly servers: readonly ChaosProcess[]
  readonly #host: string
  readonly #addresses: readonly Address[]

  private constructor(host: string, addresses: readonly Address[], servers: readonly ChaosProcess[]) {
    this.#host = host
    this.#addresses = addresses
    this.servers = servers
  }

  static async start(options: { directory: string; host: string; count: number }): Promise<Brokers> {
    const { directory, host, count } = options
    const binary = await natsBinary()
    if (binary.kind !== 'binary') throw new Error('a nats-server in a container cannot be frozen from here')
    const addresses: Address[] = []
    for (let number = 1; number <= count; number++) {
      const [port = 0, monitorPort = 0, routePort = 0] = await freePorts(3)
      addresses.push({ name: count === 1 ? 'nats' : `nats-${number}`, port, monitorPort, routePort })
    }
    const servers: ChaosProcess[] = []
    for (const address of addresses) {
      const own = join(directory, address.name)
      await mkdir(own, { recursive: true })
      const file = join(own, 'nats.conf')
      await writeFile(file, configOf(address, { directory: own, host, addresses }))
      servers.push(new ChaosProcess(address.name, [binary.path, '-c', file]))
    }
    const brokers = new Brokers(host, addresses, servers)
    for (const server of servers) server.start()
    await brokers.areReady()
    return brokers
  }

  /** Of all servers, joined by commas. */
  get url(): string {
    return this.#addresses.map(({ port }) => `nats://${this.#host}:${port}`).join(',')
  }

  get replicas(): number {
    return this.servers.length
  }

  /** Resolves when all servers answer, JetStream has what it had, and every stream has its copies again. */
  async areReady(): Promise<void> {
    for (const address of this.#addresses) {
      await answered(`${address.name} is ready`, async () => {
        const { status } = await this.#ask<{ status: string }>(address, 'healthz')
        return status === 'ok' ? true : undefined
      })
    }
    if (this.replicas === 1) return
    await answered('all streams have their copies', async () => {
      const streams = await this.#streams()
      const isWhole = ({ cluster }: StreamDetail) =>
        (cluster?.leader ?? '') !== '' && cluster?.replicas?.every(({ current }) => current === true)
      return streams.every(isWhole) ? true : undefined
    })
  }

  /** The server that leads the stream of a bucket. */
  async leaderOf(bucket: string): Promise<ChaosProcess> {
    return await answered(`${bucket} has a leader`, async () => {
      const stream = (await this.#streams()).find(({ name }) => name === `KV_${bucket}`)
      return this.servers.find(({ name }) => name === stream?.cluster?.leader)
    })
  }

  /** As the leaders tell: the others do not know who follows. */
  async #streams(): Promise<readonly StreamDetail[]> {
    const known = new Map<string, StreamDetail>()
    for (const [index, address] of this.#addresses.entries()) {
      if (this.servers[index]?.isAlive !== true) continue
      const { account_details: accounts = [] } = await this.#ask<{
        account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[]
      }>(address, 'jsz?streams=true&accounts=true')
      for (const stream of accounts.flatMap(({ stream_detail: details }) => details ?? []))
        if (!known.has(stream.name) || stream.cluster?.leader === address.name) known.set(stream.name, stream)
    }
    return [...known.values()]
  }

  async #ask<T>(address: Address, path: string): Promise<T> {
    const url = `http://${this.#host}:${address.monitorPort}/${path}`
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    return (await response.json()) as T
  }
}

function configOf(
  address: Address,
  { directory, host, addresses }: { directory: string; host: string; addresses: readonly Address[] },
): string {
  const routes = addresses
    .filter(each => each !== address)
    .map(({ routePort }) => `nats://${host}:${routePort}`)
  const cluster = [
    'cluster {',
    '  name: "chaos"',
    `  listen: "${host}:${address.routePort}"`,
    '  no_advertise: true',
    `  routes: [${routes.map(route => JSON.stringify(route)).join(', ')}]`,
    '}',
  ]
  return [
    `server_name: "${address.name}"`,
    `listen: "${host}:${address.port}"`,
    `http: "${host}:${address.monitorPort}"`,
    `jetstream { store_dir: ${JSON.stringify(join(directory, 'jetstream'))} }`,
    ...(routes.length > 0 ? cluster : []),
    '',
  ].join('\n')
}

/** Different ones: each is asked for while nobody holds the others, so a repetition is asked for again. */
async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add((await tryPort(0)) ?? 0)
  return [...ports]
}
