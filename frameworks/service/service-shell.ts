import {
  type CancelTimer,
  type Clock,
  describeError,
  type Log,
  Loop,
  ProtocolError,
  type Scheduler,
  type SchedulerHandlers,
} from '@tender/sdk'
import type { Answer, AppState, Command, Connection, Expected, Input, ServiceCore } from './core/index.js'
import type { AppDefinition } from './definition/index.js'
import type { Journal } from './store/index.js'

/** What the shell needs of the SDK's scheduler. */
export type SchedulerCalls = Pick<
  Scheduler,
  'accept' | 'decline' | 'kill' | 'suppress' | 'revive' | 'reconcile'
>

export interface ServiceShellParts {
  readonly core: ServiceCore
  readonly journal: Journal
  readonly role: string
  readonly clock: Clock
  readonly log: Log
  /** The end: another instance took over, or the leader refuses us, or a bug. */
  readonly onFailed: (reason: unknown) => void
}

/** A change was not stored in time; it may still be. */
export class NotStoredYetError extends Error {
  override readonly name = 'NotStoredYetError'
}

const tickMs = 100
/** A person's request waits so long for the store (Marathon's request timeout). */
export const answerTimeoutMs = 10_000
const maxWaitingRequests = 1_000

/** Performs what the core commands, and tells it what comes of that: the only place where the two meet. */
export class ServiceShell {
  readonly #parts: ServiceShellParts
  readonly #loop: Loop<Input>
  readonly #requests = new Map<number, (answer: Answer) => void>()
  #scheduler: SchedulerCalls | undefined
  #requestCount = 0
  #cancelTick: CancelTimer = () => {}
  #stopped = false

  constructor(parts: ServiceShellParts) {
    this.#parts = parts
    this.#loop = new Loop<Input>(input => {
      for (const command of parts.core.step(input, parts.clock.now())) this.#perform(command)
    }, parts.onFailed)
  }

  /** What the SDK's scheduler is to call. Rescinded offers need no handler: none is held. */
  readonly handlers: SchedulerHandlers = {
    offers: offers => this.tell({ kind: 'offers', offers }),
    // The update is acknowledged when what follows from it is stored.
    update: async status => {
      this.tell({ kind: 'update', status })
      await this.#loop.idle()
      await this.#parts.journal.idle()
    },
    subscribed: () => this.tell({ kind: 'subscribed' }),
    disconnected: reason => this.tell({ kind: 'disconnected', reason }),
    failed: (code, message) => this.#parts.onFailed(new ProtocolError(code, message)),
  }

  /** Begins to act, with this scheduler. */
  start(scheduler: SchedulerCalls): void {
    this.#scheduler = scheduler
    this.#tick()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelTick()
    this.#loop.stop()
    this.#parts.journal.stop()
  }

  tell(input: Input): void {
    if (!this.#stopped) this.#loop.push(input)
  }

  get role(): string {
    return this.#parts.role
  }

  get connection(): Connection {
    return this.#parts.core.connection
  }

  now(): number {
    return this.#parts.clock.now()
  }

  apps(): AppState[] {
    return this.#parts.core.apps()
  }

  app(id: string): AppState | undefined {
    return this.#parts.core.app(id)
  }

  /** Creates or changes an app. Resolves when that is stored. @throws NotStoredYetError */
  putApp(definition: AppDefinition, expected: Expected): Promise<Answer> {
    return this.#request(requestId => ({ kind: 'put-app', requestId, definition, expected }))
  }

  /** Ends all instances of an app and forgets it. Resolves when that is stored. @throws NotStoredYetError */
  deleteApp(appId: string): Promise<Answer> {
    return this.#request(requestId => ({ kind: 'delete-app', requestId, appId }))
  }

  #request(inputOf: (requestId: number) => Input): Promise<Answer> {
    const requestId = ++this.#requestCount
    return new Promise((resolve, reject) => {
      if (this.#requests.size >= maxWaitingRequests || this.#stopped) {
        reject(new NotStoredYetError('too many changes are waiting for the store; nothing was changed'))
        return
      }
      const cancel = this.#parts.clock.setTimer(answerTimeoutMs, () => {
        this.#requests.delete(requestId)
        const message = `the change is not stored after ${answerTimeoutMs} ms, and may still come: is NATS reachable?`
        reject(new NotStoredYetError(message))
      })
      this.#requests.set(requestId, answer => {
        cancel()
        resolve(answer)
      })
      this.tell(inputOf(requestId))
    })
  }

  #tick(): void {
    this.#cancelTick = this.#parts.clock.setTimer(tickMs, () => {
      this.tell({ kind: 'tick' })
      if (!this.#stopped) this.#tick()
    })
  }

  #perform(command: Command): void {
    switch (command.kind) {
      case 'store':
        void this.#store(command)
        return
      case 'accept':
        void this.#accept(command)
        return
      case 'answer':
        this.#requests.get(command.requestId)?.(command.answer)
        this.#requests.delete(command.requestId)
        return
      case 'log':
        this.#parts.log[command.level](command.message, command.fields)
        return
      case 'decline':
      case 'kill':
      case 'reconcile':
      case 'revive':
      case 'suppress':
        void this.#call(command)
        return
    }
  }

  async #store({ commit, writes }: Extract<Command, { kind: 'store' }>): Promise<void> {
    await this.#parts.journal.commit(writes)
    this.tell({ kind: 'stored', commit })
  }

  async #accept({ offers, tasks }: Extract<Command, { kind: 'accept' }>): Promise<void> {
    try {
      const results = await this.#scheduler?.accept(offers, tasks)
      if (results) this.tell({ kind: 'launched', results })
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 'malformed'
      const taskIds = tasks.map(({ taskId }) => taskId)
      this.tell({ kind: 'accept-failed', taskIds, code, message: describeError(error) })
    }
  }

  /** Calls whose failure needs no decision: the core gives the order again when it is still due. */
  async #call(command: Extract<Command, { kind: 'decline' | 'kill' | 'suppress' | 'revive' | 'reconcile' }>) {
    try {
      await this.#send(command)
    } catch (error) {
      if (!this.#stopped) {
        this.#parts.log.debug(`a call was not done: ${command.kind}`, { error: describeError(error) })
      }
    }
  }

  async #send(command: Extract<Command, { kind: 'decline' | 'kill' | 'suppress' | 'revive' | 'reconcile' }>) {
    switch (command.kind) {
      case 'decline':
        return await this.#scheduler?.decline(command.offers, { refuseMs: command.refuseMs })
      case 'suppress':
        return await this.#scheduler?.suppress()
      case 'revive':
        return await this.#scheduler?.revive()
      case 'reconcile':
        return await this.#scheduler?.reconcile(command.tasks)
      case 'kill': {
        const { taskId, agentId, graceMs } = command
        const options = { ...(agentId ? { agentId } : {}), ...(graceMs === undefined ? {} : { graceMs }) }
        return await this.#scheduler?.kill(taskId, options)
      }
    }
  }
}
