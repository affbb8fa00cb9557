import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { constants } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type Dockerode from 'dockerode'
import type { AgentTaskState } from '../../../agent/core/task.js'
import { tenderLabels } from '../../../agent/containerizer/docker/labels.js'
import { removeLabelled } from '../../../agent/containerizer/docker/remove-labelled.js'
import type { EngineConnection } from '../../../agent/containerizer/docker/engine.js'
import type { LeaderView, StateView } from '../../../master/core/view.js'
import { busyboxImage } from '../engine.js'
import type { AgentNetwork, Cut } from './agent-network.js'
import { Brokers } from './brokers.js'
import { answered, ChaosProcess } from './chaos-process.js'
import { ContainerLedger, nameOf, type TaskContainer, type TaskName } from './container-ledger.js'
import { endPipe, Witness } from './witness.js'

const main = fileURLToPath(new URL('../../../cli/main.js', import.meta.url))
const agentResources = 'cpus:2;mem:1024;disk:1000;ports:[31000-31099]'
const askTimeoutMs = 2_000

export interface ChaosOptions {
  readonly engine: EngineConnection
  /** nats-servers: 1, or 3 as a cluster with three copies of everything. */
  readonly brokers?: 1 | 3
  /** Absent: all on the host's own network, and no agent can be cut off. */
  readonly network?: AgentNetwork | undefined
}

export interface ServiceTask {
  readonly id: string
  readonly state: string
}

/**
 * A cluster to be broken: nats, two masters, three agents with containers and the service framework, each a process
 * started by the command; and a framework inside the test that witnesses all. Parts are `nats`, `master-1`, `agent-1`,
 * `service` and so on.
 */
export class ChaosCluster {
  readonly name = `chaos-${randomBytes(4).toString('hex')}`
  readonly agentIds = ['agent-1', 'agent-2', 'agent-3'] as const
  readonly masterNames = ['master-1', 'master-2'] as const
  /** How many instances each app is to have. */
  readonly apps = new Map<string, number>()
  /** Tasks that the test has ended; nobody else may. */
  readonly ended = new Set<string>()
  brokers!: Brokers
  ledger!: ContainerLedger
  witness!: Witness
  readonly #options: ChaosOptions
  #directory = ''
  readonly #parts = new Map<string, ChaosProcess>()

  private constructor(options: ChaosOptions) {
    this.#options = options
  }

  static async start(options: ChaosOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options)
    try {
      await cluster.#start()
      return cluster
    } catch (error) {
      const said = cluster.lastLines(5).join('\n')
      await cluster.dispose()
      throw new Error(`the cluster did not start; its parts said\n${said}`, { cause: error })
    }
  }

  part(name: string): ChaosProcess {
    const part = this.#parts.get(name)
    if (!part) throw new Error(`there is no ${name}, but ${[...this.#parts.keys()].join(', ')}`)
    return part
  }

  async kill9(name: string): Promise<void> {
    await this.part(name).kill9()
  }

  /** Starts a part that has ended, and waits until it says that it is there. */
  async restart(name: string): Promise<void> {
    const part = this.part(name)
    part.start()
    if (name.startsWith('nats')) await this.brokers.areReady()
    else await part.says(readyOf(name))
  }

  get canCutOff(): boolean {
    return this.#options.network !== undefined
  }

  async cutOff(agentId: string, cut: Cut): Promise<void> {
    await this.#network.cut(agentId, cut)
  }

  async rejoin(agentId: string): Promise<void> {
    await this.#network.rejoin(agentId)
  }

  /** The master that leads, by its own word and of the newest epoch. */
  async leader(): Promise<string> {
    return await answered('a master leads', async () => {
      const views = await Promise.all(
        this.masterNames.map(async name => ({ name, ...(await this.#leaderView(name)) })),
      )
      const leading = views.filter(({ isLeader }) => isLeader)
      return leading.toSorted((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0))[0]?.name
    })
  }

  async standby(): Promise<string> {
    const leader = await this.leader()
    return this.masterNames.find(name => name !== leader) ?? leader
  }

  /** All that the leader shows. */
  async state(): Promise<StateView> {
    return await this.#get(await this.leader(), 'api/v1/state')
  }

  async serviceTasks(appId: string): Promise<readonly ServiceTask[]> {
    const { tasks } = await this.#get<{ tasks: readonly ServiceTask[] }>('service', `v2/apps/${appId}/tasks`)
    return tasks
  }

  async deploy(appId: string, instances: number): Promise<void> {
    const response = await fetch(`${this.#url('service')}/v2/apps`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        id: `/${appId}`,
        cmd: 'exec sleep 100000',
        cpus: 0.05,
        mem: 16,
        instances,
        portDefinitions: [],
        container: { docker: { image: busyboxImage } },
        taskKillGracePeriodSeconds: 1,
        backoffSeconds: 0.1,
      }),
    })
    if (!response.ok) throw new Error(`deploy: ${response.status} ${await response.text()}`)
    this.apps.set(appId, instances)
  }

  /** Lets a task of the witness end with this code, by itself: the agent may be away. Resolves when its container has ended. */
  async end(taskId: string, exitCode: number): Promise<void> {
    const { frameworkId, launched } = this.witness
    this.ended.add(nameOf({ frameworkId, taskId }))
    const agentId = launched.get(taskId)?.agentId ?? ''
    const pipe = join(this.#directory, agentId, 'sandboxes', frameworkId, taskId, endPipe)
    // Not blocking: without somebody who reads, it fails instead of waiting for ever.
    const file = await answered(`${taskId} waits`, () =>
      open(pipe, constants.O_WRONLY | constants.O_NONBLOCK),
    )
    await file.write(`${exitCode}\n`)
    await file.close()
    await answered(`${taskId} has ended`, async () => this.ledger.find('die', { frameworkId, taskId }))
  }

  /** Whether the test has ended the task, or its framework has. */
  isToEnd(task: TaskName): boolean {
    const { frameworkId, killed } = this.witness
    return this.ended.has(nameOf(task)) || (task.frameworkId === frameworkId && killed.has(task.taskId))
  }

  /** Ends a container as the kernel might: nobody of Tender has asked for it. */
  async killContainer(task: TaskContainer): Promise<void> {
    this.ended.add(nameOf(task))
    await this.#docker.getContainer(task.containerId).kill()
  }

  /** A container that bears the labels of an agent's task, and is none. */
  async startStranger(agentId: string, name: string): Promise<Dockerode.Container> {
    const container = await this.#docker.createContainer({
      Image: busyboxImage,
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'none' },
      Labels: tenderLabels({ cluster: this.name, agentId }, { frameworkId: name, taskId: name }),
    })
    await container.start()
    return container
  }

  /** What Tender never does. */
  async restartContainer(containerId: string): Promise<void> {
    await this.#docker.getContainer(containerId).restart({ t: 0 })
  }

  /** Makes all parts run and all agents connected, whatever has been done to them. */
  async mend(): Promise<void> {
    for (const agentId of this.agentIds) await this.#options.network?.rejoin(agentId)
    for (const part of this.#parts.values()) part.resume()
    // NATS first: without it, the others do not start.
    for (const part of this.#parts.values()) if (!part.isAlive) await this.restart(part.name)
  }

  /** What an agent's disk holds of its tasks. */
  async checkpoint(agentId: string): Promise<readonly AgentTaskState[]> {
    const root = join(this.#directory, agentId, 'checkpoint', 'tasks')
    const files = await readdir(root, { recursive: true }).catch(() => [])
    const texts = files.filter(name => name.endsWith('.json')).map(name => readFile(join(root, name), 'utf8'))
    return (await Promise.all(texts)).map(text => (JSON.parse(text) as { record: AgentTaskState }).record)
  }

  /** Of each part, under its name. */
  lastLines(count: number): readonly string[] {
    return [...this.#parts.values()].flatMap(part =>
      part.lastLines(count).map(line => `${part.name}: ${readable(line)}`),
    )
  }

  async dispose(): Promise<void> {
    await this.witness?.close().catch(() => {})
    this.ledger?.close()
    // The frozen too; and what still runs may end in no order, since all of it is removed.
    await Promise.all([...this.#parts.values()].map(part => part.kill9()))
    await removeLabelled(this.#docker, this.name)
    await this.#options.network?.dispose()
    if (this.#directory) await rm(this.#directory, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const { brokers: count = 1, engine, network } = this.#options
    this.#directory = await mkdtemp(join(tmpdir(), 'tender-chaos-'))
    const host = network?.hostAddress ?? '127.0.0.1'
    this.brokers = await Brokers.start({ directory: this.#directory, host, count })
    for (const server of this.brokers.servers) this.#parts.set(server.name, server)
    this.ledger = await ContainerLedger.follow(engine.docker, this.name)

    const copies = ['--replicas', String(this.brokers.replicas), ...(count === 3 ? ['--lease', '10s'] : [])]
    for (const name of this.masterNames) this.#add(name, ['master', '--port', '0', ...copies])
    await this.#startAll(this.masterNames)
    for (const agentId of this.agentIds) await this.#addAgent(agentId)
    this.#add('service', ['service', '--port', '0', ...copies.slice(0, 2)])
    await this.#startAll([...this.agentIds, 'service'])
    this.witness = await Witness.connect(this.brokers.url, this.name)
  }

  async #addAgent(agentId: string): Promise<void> {
    await this.#options.network?.add(agentId)
    const where = ['--work-dir', join(this.#directory, agentId), '--agent-id', agentId, '--hostname', agentId]
    const what = [
      '--resources',
      agentResources,
      '--attributes',
      `name:${agentId}`,
      '--containerizers',
      'docker',
    ]
    this.#add(agentId, ['agent', ...where, ...what], this.#options.network?.enter(agentId))
  }

  #add(name: string, args: readonly string[], enter: readonly string[] = []): void {
    const common = [
      '--cluster',
      this.name,
      '--nats',
      this.brokers.url,
      '--log-format',
      'json',
      '--stop-with-stdin',
    ]
    this.#parts.set(name, new ChaosProcess(name, [...enter, process.execPath, main, ...args, ...common]))
  }

  async #startAll(names: readonly string[]): Promise<void> {
    for (const name of names) this.part(name).start()
    await Promise.all(names.map(name => this.part(name).says(readyOf(name))))
  }

  get #docker(): Dockerode {
    return this.#options.engine.docker
  }

  get #network(): AgentNetwork {
    if (!this.#options.network)
      throw new Error('this cluster has no network in which an agent can be cut off')
    return this.#options.network
  }

  async #leaderView(name: string): Promise<Partial<LeaderView>> {
    if (!this.part(name).isAlive) return {}
    return await this.#get<LeaderView>(name, 'api/v1/leader').catch(() => ({}))
  }

  async #get<T>(name: string, path: string): Promise<T> {
    const response = await fetch(`${this.#url(name)}/${path}`, { signal: AbortSignal.timeout(askTimeoutMs) })
    if (!response.ok) throw new Error(`${name} answers ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  #url(name: string): string {
    return /answers at (http:\/\/[\w.:]+)/.exec(this.part(name).output)?.[1] ?? 'http://nobody.invalid'
  }
}

/** What a part says when it can be used. */
function readyOf(name: string): string {
  if (name.startsWith('agent')) return 'registered with the leader'
  return name.startsWith('master') ? 'master answers at' : 'service framework answers at'
}

/** A log line is for programs; people want the time and the sentence first. */
function readable(line: string): string {
  try {
    const { time, level, name: _, message, ...fields } = JSON.parse(line) as Record<string, unknown>
    return `${String(time)} ${String(level)} ${String(message)} ${JSON.stringify(fields)}`
  } catch {
    return line
  }
}
