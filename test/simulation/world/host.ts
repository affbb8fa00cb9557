import type { TaskInfo } from '@tender/sdk/protocol'
import type {
  ContainerExit,
  ContainerStartReason,
  StartedContainer,
  TaskKey,
} from '../../../agent/containerizer/containerizer.js'
import type { Chance } from './chance.js'
import { type EndCause, type Key, keyOf } from './facts.js'
import type { World } from './world.js'

/** What a host tells the agent that runs on it. */
export interface HostEvents {
  started(container: StartedContainer): void
  startFailed(task: TaskKey, reason: ContainerStartReason, message: string): void
  exited(exit: ContainerExit): void
}

interface Container extends TaskKey {
  readonly key: Key
  readonly info: TaskInfo
  state: 'starting' | 'running' | 'ended'
  exitCode: number | undefined
  isStopping: boolean
}

/**
 * A host with its engine: containers run on whatever happens to the agent. What a container does is in its command:
 * `serve` runs until it is stopped, `work 5000 0` ends after five seconds with exit code 0.
 */
export class Host {
  readonly agentId: string
  /** Of starts, how many fail. */
  startFailures = 0
  readonly #world: World
  readonly #chance: Chance
  readonly #containers = new Map<Key, Container>()
  #events: HostEvents | undefined

  constructor(world: World, agentId: string, chance: Chance) {
    this.#world = world
    this.agentId = agentId
    this.#chance = chance
  }

  /** All that runs. */
  running(): Container[] {
    return [...this.#containers.values()].filter(({ state }) => state === 'running')
  }

  /** The agent's process is gone: what it was about to start may start all the same. */
  abandon(): void {
    this.#events = undefined
    for (const container of [...this.#containers.values()]) {
      if (container.state !== 'starting') continue
      if (this.#chance.is(0.5)) this.#run(container)
      else this.#containers.delete(container.key)
    }
  }

  /** What is there of these tasks, for an agent that has started; it is told from now on. */
  adopt(
    tasks: readonly TaskKey[],
    events: HostEvents,
  ): { running: StartedContainer[]; exits: ContainerExit[] } {
    this.#events = events
    const running: StartedContainer[] = []
    const exits: ContainerExit[] = []
    for (const { frameworkId, taskId } of tasks) {
      const container = this.#containers.get(keyOf({ frameworkId, taskId }))
      if (container?.state === 'running') running.push(startedOf(container))
      else exits.push(exitOf({ frameworkId, taskId }, container?.exitCode))
    }
    return { running, exits }
  }

  /** What is there, and belongs to none of these. */
  orphans(known: ReadonlySet<Key>): TaskKey[] {
    return [...this.#containers.values()]
      .filter(({ key }) => !known.has(key))
      .map(({ frameworkId, taskId }) => ({ frameworkId, taskId }))
  }

  start(frameworkId: string, info: TaskInfo): void {
    const task = { frameworkId, taskId: info.taskId }
    const key = keyOf(task)
    const known = this.#containers.get(key)
    if (known?.state === 'running') {
      return this.#later(events => events.started(startedOf(known)))
    }
    if (known)
      return this.#later(events => events.startFailed(task, 'start-failed', 'its container is there'))
    const container: Container = {
      ...task,
      key,
      info,
      state: 'starting',
      exitCode: undefined,
      isStopping: false,
    }
    this.#containers.set(key, container)
    this.#world.timeline.after(this.#chance.integer(5, 400), () => {
      if (this.#containers.get(key) !== container || container.state !== 'starting') return
      const isFailing = this.#chance.is(this.startFailures)
      if (!container.isStopping && !isFailing) {
        this.#run(container)
        return this.#events?.started(startedOf(container))
      }
      this.#containers.delete(key)
      if (container.isStopping)
        return this.#events?.startFailed(task, 'stopped', 'stopped while it was started')
      this.#events?.startFailed(task, 'start-failed', 'the engine could not start it')
    })
  }

  /** Some programs do not heed the first signal. */
  stop(task: TaskKey, graceMs: number): void {
    const container = this.#containers.get(keyOf(task))
    if (!container || container.state === 'ended') return
    const { agentId } = this
    this.#world.tell({ kind: 'stop-ordered', agentId, key: container.key, isOrphan: false })
    const wasStopping = container.isStopping
    container.isStopping = true
    if (container.state === 'starting' || wasStopping) return
    const isHeeding = this.#chance.is(0.8)
    this.#world.timeline.after(isHeeding ? this.#chance.integer(5, 1_000) : graceMs, () =>
      this.#end(container, isHeeding ? 143 : 137, 'stopped'),
    )
  }

  remove(task: TaskKey): void {
    const container = this.#containers.get(keyOf(task))
    if (container?.state === 'ended') this.#containers.delete(container.key)
  }

  removeOrphan(task: TaskKey): void {
    const container = this.#containers.get(keyOf(task))
    if (!container) return
    this.#world.tell({ kind: 'stop-ordered', agentId: this.agentId, key: container.key, isOrphan: true })
    this.#end(container, 137, 'orphan')
    this.#containers.delete(container.key)
  }

  /** It ends by itself. */
  exit(key: Key, exitCode: number): void {
    const container = this.#containers.get(key)
    if (container) this.#end(container, exitCode, 'by-itself')
  }

  /** Somebody removes it behind the agent's back: how it ended nobody knows. */
  vanish(key: Key): void {
    const container = this.#containers.get(key)
    if (container) this.#end(container, undefined, 'vanished')
    this.#containers.delete(key)
  }

  #run(container: Container): void {
    container.state = 'running'
    const { key, info } = container
    this.#world.trace(this.agentId, `container of ${key} runs`)
    this.#world.tell({ kind: 'container-started', agentId: this.agentId, key, info })
    const [, durationMs, exitCode] = info.shell?.match(/^work (\d+) (\d+)$/) ?? []
    if (durationMs === undefined) return
    this.#world.timeline.after(Number(durationMs), () => this.#end(container, Number(exitCode), 'by-itself'))
  }

  #end(container: Container, exitCode: number | undefined, cause: EndCause): void {
    if (container.state !== 'running' || this.#containers.get(container.key) !== container) return
    container.state = 'ended'
    container.exitCode = exitCode
    const { agentId } = this
    this.#world.trace(agentId, `container of ${container.key} ends ${cause}, exit code ${exitCode}`)
    this.#world.tell({ kind: 'container-ended', agentId, key: container.key, cause, exitCode })
    if (cause !== 'orphan') this.#later(events => events.exited(exitOf(container, exitCode)))
  }

  #later(tell: (events: HostEvents) => void): void {
    const events = this.#events
    this.#world.timeline.after(this.#chance.integer(1, 20), () => {
      if (events && this.#events === events) tell(events)
    })
  }
}

function startedOf({ frameworkId, taskId, key }: Container): StartedContainer {
  return { frameworkId, taskId, handle: { kind: 'docker', containerId: `c-${key}` } }
}

function exitOf({ frameworkId, taskId }: TaskKey, exitCode: number | undefined): ContainerExit {
  return { frameworkId, taskId, outOfMemory: false, ...(exitCode === undefined ? {} : { exitCode }) }
}
