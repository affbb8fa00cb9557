import { EventEmitter, once } from 'node:events'
import { connect, type Offer, ProtocolError, type Scheduler, type Task, type TaskStatus } from '@tender/sdk'
import { isTerminal } from '@tender/sdk/values'
import { busyboxImage } from '../engine.js'

const patienceMs = 30_000

/** What one task of the witness takes. */
export const taskResources = 'cpus:0.05;mem:16'
/** Where a task waits to be told how to end, in its sandbox. */
export const endPipe = 'end'

/**
 * It waits, without using a processor, until somebody writes a number into its pipe, and ends with that; nobody of Tender
 * is needed for it.
 */
const waitToEnd = `/bin/busybox mkfifo -m 666 "$TENDER_SANDBOX/${endPipe}"; read code < "$TENDER_SANDBOX/${endPipe}"; exit $code`

export interface Launch {
  readonly agentId: string
  readonly answer: 'accepted' | 'refused' | 'unknown'
}

/** A framework inside the test that writes down all that it is told. It holds no offer unless it is about to launch. */
export class Witness {
  readonly frameworkId = 'witness'
  readonly updates: TaskStatus[] = []
  /** Tasks that were asked to be launched, where, and what was answered. */
  readonly launched = new Map<string, Launch>()
  /** Tasks that were asked to be killed. */
  readonly killed = new Set<string>()
  scheduler!: Scheduler
  #offers: readonly Offer[] = []
  #ordering: Promise<void> = Promise.resolve()
  readonly #news = new EventEmitter().setMaxListeners(100)

  static async connect(nats: string, cluster: string): Promise<Witness> {
    const self = new Witness()
    const tell = () => self.#news.emit('news')
    self.scheduler = await connect({
      nats,
      cluster,
      framework: { frameworkId: self.frameworkId, name: 'witness', roles: ['*'] },
      demands: [{ role: '*', shapes: [] }],
      offers: offers => {
        self.#offers = [...self.#offers, ...offers]
        tell()
      },
      rescinded: ids => {
        self.#offers = self.#offers.filter(({ offerId }) => !ids.includes(offerId))
      },
      update: status => {
        self.updates.push(status)
        tell()
      },
    })
    return self
  }

  /** Launches tasks on an agent, and waits until they run. */
  async launch(agentId: string, ...taskIds: readonly string[]): Promise<void> {
    await this.order(agentId, ...taskIds)
    await Promise.all(taskIds.map(taskId => this.hears(taskId, 'RUNNING')))
  }

  /**
   * Launches tasks on an agent, one such order after another. What the answer says of each is kept: that nothing is known
   * of it, if the answer was lost with a leader.
   */
  async order(agentId: string, ...taskIds: readonly string[]): Promise<void> {
    const turn = this.#ordering.then(() => this.#order(agentId, taskIds))
    this.#ordering = turn.catch(() => {})
    await turn
  }

  async #order(agentId: string, taskIds: readonly string[]): Promise<void> {
    const constraints = [[{ attribute: 'name', equals: agentId }]]
    await this.scheduler.demand('*', [{ count: taskIds.length, resources: taskResources, constraints }])
    const offers = await this.#until(`offer of ${agentId}`, () => {
      const found = this.#offers.filter(offer => offer.agentId === agentId)
      return found.length > 0 && found
    })
    this.#offers = this.#offers.filter(offer => !offers.includes(offer))
    for (const taskId of taskIds) this.launched.set(taskId, { agentId, answer: 'unknown' })
    const operations = [{ launch: taskIds.map(taskOf) }]
    const wantsNothing = [{ role: '*', shapes: [] }]
    try {
      const { tasks } = await this.scheduler.acceptWith(offers, { operations, demands: wantsNothing })
      for (const { taskId, ok } of tasks)
        this.launched.set(taskId, { agentId, answer: ok ? 'accepted' : 'refused' })
    } catch (error) {
      // A leader that does not know the offers knows nothing of the demand either.
      if (!(error instanceof ProtocolError)) throw error
      await this.scheduler.demand('*', [])
    }
  }

  /** Ends a task. That holds also when no leader answers, or one that has not heard of the task's agent yet. */
  async kill(taskId: string): Promise<void> {
    this.killed.add(taskId)
    await this.scheduler.kill(taskId, { graceMs: 1_000 }).catch((error: unknown) => {
      const holdsAllTheSame =
        error instanceof ProtocolError && ['unknown-task', 'timeout'].includes(error.code)
      if (!holdsAllTheSame) throw error
    })
  }

  /** All that it was told of a task, in order, with the exit code of an end: `FAILED 3`. */
  statesOf(taskId: string): readonly string[] {
    return this.updates.filter(status => status.taskId === taskId).map(textOf)
  }

  /** How a task ended, by what it was told. */
  endOf(taskId: string): TaskStatus | undefined {
    return this.updates.find(status => status.taskId === taskId && isTerminal(status.state))
  }

  /** Resolves when the last that it was told of a task is this: `RUNNING`, `FINISHED 0`. */
  async hears(taskId: string, state: string): Promise<void> {
    await this.#until(`${taskId} ${state}`, () => this.statesOf(taskId).at(-1) === state)
  }

  async close(): Promise<void> {
    await this.scheduler.close()
  }

  async #until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const deadline = AbortSignal.timeout(patienceMs)
    for (;;) {
      const found = look()
      if (found !== undefined && found !== false) return found
      await once(this.#news, 'news', { signal: deadline }).catch(() => {
        const told = this.updates.slice(-20).map(status => `${status.taskId} ${textOf(status)}`)
        throw new Error(`the witness has not heard: ${what}; the last it heard: ${told.join(', ')}`)
      })
    }
  }
}

function taskOf(taskId: string): Task {
  return {
    taskId,
    resources: taskResources,
    shell: waitToEnd,
    container: { image: busyboxImage, network: 'none' },
  }
}

function textOf({ state, exitCode }: TaskStatus): string {
  return exitCode === undefined ? state : `${state} ${exitCode}`
}
