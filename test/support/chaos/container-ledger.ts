import type { Readable } from 'node:stream'
import type Dockerode from 'dockerode'
import {
  agentLabel,
  clusterLabel,
  frameworkLabel,
  taskLabel,
} from '../../../agent/containerizer/docker/labels.js'

/** A container, and whose task it is, by its labels. */
export interface TaskContainer {
  readonly containerId: string
  readonly agentId: string
  readonly frameworkId: string
  readonly taskId: string
}

export type TaskName = Pick<TaskContainer, 'frameworkId' | 'taskId'>

export interface ContainerEvent extends TaskContainer {
  readonly kind: 'start' | 'die'
  /** Of a `die`. */
  readonly exitCode?: number
}

interface EngineEvent {
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

/**
 * What the engine itself says of a cluster's containers: those that run, and each that was ever started or has ended,
 * however short it lived. Nothing of it comes from Tender.
 */
export class ContainerLedger {
  readonly events: ContainerEvent[] = []
  /** Why it does not follow the engine any more: then it proves nothing. */
  broken: string | undefined
  readonly #docker: Dockerode
  readonly #cluster: string
  readonly #stream: Readable
  #rest = ''

  private constructor(docker: Dockerode, cluster: string, stream: Readable) {
    this.#docker = docker
    this.#cluster = cluster
    this.#stream = stream
    stream.on('data', (data: Buffer) => this.#read(String(data)))
    stream.on('error', error => (this.broken ??= error.message))
    stream.on('end', () => (this.broken ??= "the engine's stream of events has ended"))
  }

  static async follow(docker: Dockerode, cluster: string): Promise<ContainerLedger> {
    const label = [`${clusterLabel}=${cluster}`]
    const stream = await docker.getEvents({
      filters: { type: ['container'], event: ['start', 'die'], label },
    })
    return new ContainerLedger(docker, cluster, stream as Readable)
  }

  async running(): Promise<readonly TaskContainer[]> {
    return (await this.#list()).filter(({ State }) => State === 'running').map(ofSummary)
  }

  /** Those that do not run, and are still there: made and never started, or ended and not removed. */
  async leftOver(): Promise<readonly (TaskContainer & { readonly state: string })[]> {
    const others = (await this.#list()).filter(({ State }) => State !== 'running')
    return others.map(summary => ({ ...ofSummary(summary), state: summary.State }))
  }

  async #list(): Promise<readonly Dockerode.ContainerInfo[]> {
    const filters = { label: [`${clusterLabel}=${this.#cluster}`] }
    return await this.#docker.listContainers({ all: true, filters })
  }

  /** Tasks whose containers were started more than once, or that had more than one. */
  get startedAgain(): readonly string[] {
    const starts = this.events.filter(({ kind }) => kind === 'start').map(nameOf)
    return [...new Set(starts.filter((name, index) => starts.indexOf(name) !== index))]
  }

  /** When its container was started, or how it ended; undefined while it has not. */
  find(kind: ContainerEvent['kind'], task: TaskName): ContainerEvent | undefined {
    return this.events.find(event => event.kind === kind && nameOf(event) === nameOf(task))
  }

  close(): void {
    this.broken = 'it was closed'
    this.#stream.destroy()
  }

  /** One JSON object a line. */
  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines.filter(Boolean)) this.#note(JSON.parse(line) as EngineEvent)
  }

  #note({ Action, Actor }: EngineEvent): void {
    if (Action !== 'start' && Action !== 'die') return
    const { exitCode } = Actor.Attributes
    this.events.push({
      ...taskContainer(Actor.ID, Actor.Attributes),
      kind: Action,
      ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
    })
  }
}

/** Short and unique within a cluster. */
export function nameOf({ frameworkId, taskId }: TaskName): string {
  return `${frameworkId}/${taskId}`
}

function ofSummary({ Id, Labels }: Dockerode.ContainerInfo): TaskContainer {
  return taskContainer(Id, Labels)
}

function taskContainer(containerId: string, labels: Readonly<Record<string, string>>): TaskContainer {
  return {
    containerId: containerId.slice(0, 12),
    agentId: labels[agentLabel] ?? 'nobody',
    frameworkId: labels[frameworkLabel] ?? 'nobody',
    taskId: labels[taskLabel] ?? 'nothing',
  }
}
