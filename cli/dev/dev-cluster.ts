import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connectEngine, type EngineConnection } from '../../agent/containerizer/docker/engine.js'
import { removeLabelled } from '../../agent/containerizer/docker/remove-labelled.js'
import { detectResources } from '../../agent/resources/detect.js'
import type { AgentView, LeaderView } from '../../master/core/view.js'
import { type ClusterFile, connectNats, JetStreamMissingError } from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import { requestJson } from '../client.js'
import { Child } from './child.js'
import { clusterFileIn, removeClusterFile, writeClusterFile } from './cluster-file.js'
import { freePort, tryPort } from './free-port.js'
import { stopLeftoverNats } from './leftover-nats.js'
import { findNatsServer, type NatsServer, startNatsServer, tenderCacheDir } from './nats/index.js'
import { shareOf } from './share.js'
import { until } from './until.js'

export interface DevOptions {
  /** `.tender`: data, logs and `cluster.json`. */
  readonly directory: string
  readonly agents: number
  /** Containers need an engine; `auto` takes what is there. */
  readonly containerizer: 'auto' | 'docker' | 'process'
  /** A NATS server with JetStream that runs already. */
  readonly nats?: string
  /** 0: any free one. */
  readonly natsPort: number
  /** Absent: the usual one, or any free one when that is taken. */
  readonly masterPort?: number
  readonly servicePort?: number
  readonly dockerHost?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly say: (line: string) => void
}

const startTimeoutMs = 20_000
const usualPorts = { master: 5050, service: 8080 }

/** A whole cluster on this machine: NATS, a master, agents that share the machine, and the service framework. */
export class DevCluster {
  readonly #options: DevOptions
  readonly #pids: Record<string, number> = { dev: process.pid }
  readonly #agents: Child[] = []
  #engine: EngineConnection | undefined
  #nats: NatsServer | undefined
  #master: Child | undefined
  #service: Child | undefined
  #file: ClusterFile | undefined
  #isWritten = false
  #writes = Promise.resolve()
  #stopping = false

  constructor(options: DevOptions) {
    this.#options = options
  }

  get engine(): EngineConnection | undefined {
    return this.#engine
  }

  /** Starts all and resolves when every part answers. What has started is stopped again when a part does not. */
  async start(): Promise<ClusterFile> {
    try {
      return await this.#start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #start(): Promise<ClusterFile> {
    const { directory, say } = this.#options
    await mkdir(join(directory, 'logs'), { recursive: true })
    this.#engine = await this.#findEngine()
    const containerizer = this.#engine ? 'docker' : 'process'
    const nats = await this.#startNats()
    // Of this directory's own: clusters of several checkouts may share an engine.
    const cluster = `dev-${createHash('sha256').update(directory).digest('hex').slice(0, 8)}`
    const [masterPort, servicePort] = [await this.#port('master'), await this.#port('service')]
    const master = `http://127.0.0.1:${masterPort}`
    const service = `http://127.0.0.1:${servicePort}`
    this.#file = { cluster, nats, master, service, containerizer, pids: this.#pids }
    this.#master = this.#child('master', ['master', '--port', String(masterPort)])
    await this.#startAgents()
    this.#service = this.#child('service', ['service', '--port', String(servicePort)])
    await until('a leading master', startTimeoutMs, async () => {
      const leader = (await requestJson('master', new URL('/api/v1/leader', master))) as LeaderView
      return leader.isLeader ? leader : undefined
    })
    say(`Master: ${master}`)
    await until(`${this.#options.agents} registered agents`, startTimeoutMs, async () => {
      const agents = (await requestJson('master', new URL('/api/v1/agents', master))) as AgentView[]
      return agents.filter(({ state }) => state === 'registered').length >= this.#options.agents
        ? agents
        : undefined
    })
    say(`Agents: ${this.#options.agents} registered`)
    await until('the service framework', startTimeoutMs, () =>
      requestJson('service', new URL('/v2/info', service)),
    )
    say(`Service framework: ${service}`)
    await this.#write()
    return this.#file
  }

  /** In order, so that nobody replaces what is being stopped; each part has time to clean up. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await this.#service?.stop(10_000)
    await Promise.all(this.#agents.map(agent => agent.stop(20_000)))
    await this.#master?.stop(10_000)
    await this.#nats?.stop()
    if (this.#engine && this.#file) await removeLabelled(this.#engine.docker, this.#file.cluster)
    await removeClusterFile(this.#options.directory)
  }

  async #findEngine(): Promise<EngineConnection | undefined> {
    const { containerizer, dockerHost, say } = this.#options
    if (containerizer === 'process') return undefined
    let why = 'no engine answers'
    const engine =
      process.platform === 'linux' || containerizer === 'docker'
        ? await connectEngine({ host: dockerHost, onUnavailable: reason => (why = reason) })
        : undefined
    if (engine) say(`Containers: docker engine ${engine.version}`)
    else if (containerizer === 'docker')
      throw new Error(`--containerizer docker: no docker engine answers (${why})`)
    else say(`Containers: none, tasks run as plain processes, for there is no docker engine (${why})`)
    return engine
  }

  async #startNats(): Promise<string> {
    const { directory, env, home, nats, natsPort, say } = this.#options
    const source = await findNatsServer({
      url: nats,
      path: env.PATH ?? '',
      cacheDir: tenderCacheDir(env, home),
      log: say,
    })
    if (source.kind === 'url') {
      await requireJetStream(source.url)
      say(`NATS: ${source.url}`)
      return source.url
    }
    if (await stopLeftoverNats(clusterFileIn(directory), directory)) {
      say('NATS: stopped the server of a cluster that was killed')
    }
    this.#nats = await startNatsServer(source, { dir: join(directory, 'nats'), port: natsPort })
    this.#pids.nats = this.#nats.pid
    say(`NATS: ${this.#nats.url} (nats-server ${this.#nats.version})`)
    void this.#nats.exited.then(() => {
      if (!this.#stopping) say('NATS has ended; the cluster waits for it. Stop with Ctrl-C and start again.')
    })
    return this.#nats.url
  }

  async #startAgents(): Promise<void> {
    const { agents, directory } = this.#options
    const machine = Resources.parse(await detectResources(directory))
    for (let index = 0; index < agents; index++) {
      const name = `agent-${index + 1}`
      const args = ['agent', '--agent-id', name, '--hostname', '127.0.0.1', '--stop-tasks']
      args.push('--work-dir', join(directory, name), '--resources', String(shareOf(machine, index, agents)))
      args.push('--attributes', `rack:r${index + 1}`, '--reconfiguration', 'any')
      args.push('--containerizers', this.#engine ? 'docker,process' : 'process')
      const { dockerHost } = this.#options
      this.#agents.push(
        this.#child(name, dockerHost === undefined ? args : [...args, '--docker-host', dockerHost]),
      )
    }
  }

  #child(name: string, args: readonly string[]): Child {
    const { directory, env, say } = this.#options
    const { cluster = '', nats = '' } = this.#file ?? {}
    return new Child({
      name,
      args: [...args, '--cluster', cluster, '--nats', nats],
      logFile: join(directory, 'logs', `${name}.log`),
      env,
      onCrash: (_, how) =>
        say(`${name} has ended (${how}); it is started again. Its log: ${directory}/logs/${name}.log`),
      onStart: (_, pid) => {
        this.#pids[name] = pid
        // Only when the file is there already: this is a restart.
        if (this.#isWritten) void this.#write()
      },
    })
  }

  /** Writes the file as it is by then; one write after another, since two parts may start again at once. */
  async #write(): Promise<void> {
    this.#isWritten = true
    this.#writes = this.#writes.then(async () => {
      if (this.#file && !this.#stopping) await writeClusterFile(this.#options.directory, this.#file)
    })
    await this.#writes
  }

  /** What was asked for must be free; the usual one may give way. */
  async #port(part: 'master' | 'service'): Promise<number> {
    const told = part === 'master' ? this.#options.masterPort : this.#options.servicePort
    if (told === undefined) return await freePort(usualPorts[part])
    const free = await tryPort(told)
    if (free !== undefined) return free
    throw new Error(
      `--${part}-port: port ${told} of 127.0.0.1 is taken by another program; stop that, or give another`,
    )
  }
}

/** Said at once, and not by parts that end again and again. @throws JetStreamMissingError @throws NatsUnavailableError */
async function requireJetStream(url: string): Promise<void> {
  const connection = await connectNats(url, 'tender dev')
  const hasJetStream = connection.info?.jetstream === true
  const server = connection.getServer()
  await connection.close()
  if (!hasJetStream) throw new JetStreamMissingError(server)
}
