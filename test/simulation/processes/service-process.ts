import type { StoreEntry } from '@tender/sdk/runtime'
import type { Accepted, ErrorCode, Reply, TaskStatus } from '@tender/sdk/protocol'
import { type Offer, operationToWire } from '#sdk/scheduler/calls.js'
import { type Answer, type Command, type Input, ServiceCore } from '../../../frameworks/service/core/index.js'
import type { AppRecord, Expected, InstanceRecord } from '../../../frameworks/service/core/index.js'
import type { AppDefinition } from '../../../frameworks/service/definition/index.js'
import { keyOf as storeKeyOf } from '../../../frameworks/service/store/index.js'
import { Bucket } from '../world/bucket.js'
import { keyOf } from '../world/facts.js'
import type { Outcome } from '../world/store.js'
import type { World } from '../world/world.js'
import { Journal } from './journal.js'
import { SchedulerProcess } from './scheduler-process.js'

const role = '*'

/** The service framework: its real core, in a shell that does what `service-shell.ts` does. */
export class ServiceProcess extends SchedulerProcess {
  readonly bucket: Bucket
  #core: ServiceCore | undefined
  #journal: Journal | undefined
  readonly #inputs: Input[] = []
  #isRunning = false
  readonly #requests = new Map<number, (answer: Answer) => void>()
  #requestCount = 0
  #ids = 0

  constructor(world: World, name: string, frameworkId: string, bucket = new Bucket(frameworkId)) {
    super(world, name, { frameworkId, name: 'service', roles: [role] })
    this.bucket = bucket
  }

  get core(): ServiceCore | undefined {
    return this.isUp ? this.#core : undefined
  }

  /** @param answer when it is stored; never, when this process dies before */
  putApp(definition: AppDefinition, expected: Expected, answer: (answer: Answer) => void): void {
    this.whenAlive(() => {
      const requestId = ++this.#requestCount
      this.#requests.set(requestId, answer)
      this.#tell({ kind: 'put-app', requestId, definition, expected })
    })()
  }

  protected override onStart(): void {
    super.onStart()
    this.#core = undefined
    this.#inputs.length = 0
    this.#isRunning = false
    this.#requests.clear()
    this.#load()
  }

  protected override onEnd(): void {
    super.onEnd()
    this.#core = undefined
    this.#inputs.length = 0
    this.#isRunning = false
  }

  /** Without its store it would not start; whoever watches over it starts it again. */
  #load(): void {
    this.world.store.ask(this.connection, this.bucket, {
      timeoutMs: 5_000,
      work: (bucket, now) => bucket.list(now),
      done: this.whenAlive((outcome: Outcome<StoreEntry[]>) => {
        if (outcome.kind !== 'done') return this.#load()
        const of = <T>(prefix: string): T[] =>
          outcome.value.flatMap(({ key, value }) => (key.startsWith(prefix) ? [JSON.parse(value) as T] : []))
        this.#begin(of<AppRecord>('app.'), of<InstanceRecord>('instance.'))
      }),
    })
  }

  #begin(apps: AppRecord[], instances: InstanceRecord[]): void {
    const { store } = this.world
    this.#journal = new Journal({
      store,
      bucket: this.bucket,
      connection: this.connection,
      after: (delayMs, act) => this.after(delayMs, act),
      whenAlive: act => this.whenAlive(act),
    })
    this.#core = new ServiceCore({ role, nextId: () => `${this.name}-${this.life}-${++this.#ids}` })
    this.#tell({ kind: 'recovered', apps, instances })
    this.subscribe([role])
    this.every(this.world.settings.tickMs, () => this.#tell({ kind: 'tick' }))
  }

  protected override onSubscribed(): void {
    this.#tell({ kind: 'subscribed' })
  }

  protected override onDisconnected(reason: string): void {
    this.#tell({ kind: 'disconnected', reason })
  }

  protected override onOffers(offers: readonly Offer[]): void {
    this.#tell({ kind: 'offers', offers })
  }

  protected override onUpdate(status: TaskStatus, done: () => void): void {
    this.#tell({ kind: 'update', status })
    // When what follows from it, and all before, is stored.
    this.soon(() => this.#journal?.commit([], done))
  }

  /** One that was replaced is not started again: somebody wants the other one. */
  protected override onFailed(code: ErrorCode): void {
    this.crash()
    if (code !== 'replaced' || !this.world.secondService?.isUp) this.world.supervise(this)
  }

  /** One input at a time, commands included. */
  #tell(input: Input): void {
    this.#inputs.push(input)
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#inputs.shift(); next && this.#core; next = this.#inputs.shift()) {
      const { core, input: one } = { core: this.#core, input: next }
      const commands = this.world.calling(this.name, () => core.step(one, this.now()))
      for (const command of commands) this.#perform(command)
    }
    this.#isRunning = false
  }

  #perform(command: Command): void {
    if (command.kind === 'log') return
    this.burn(command.kind)
    switch (command.kind) {
      case 'store': {
        const entries = command.writes.map(write => ({
          key: storeKeyOf(write),
          value:
            write.kind === 'put-app'
              ? JSON.stringify(write.app)
              : write.kind === 'put-instance'
                ? JSON.stringify(write.instance)
                : undefined,
        }))
        const { commit } = command
        // As in the shell, where the core hears of it in a later turn.
        this.#journal?.commit(entries, () => this.soon(() => this.#tell({ kind: 'stored', commit })))
        return
      }
      case 'accept':
        return this.#accept(command)
      case 'answer':
        this.#requests.get(command.requestId)?.(command.answer)
        this.#requests.delete(command.requestId)
        return
      case 'decline': {
        const { refuseMs } = command
        const offerIds = command.offers.map(offer => offer.offerId)
        if (offerIds.length > 0) this.call('decline', { offerIds, filter: { refuseMs } })
        return
      }
      case 'suppress':
        return this.call('suppress', {})
      case 'revive':
        return this.call('revive', {})
      case 'reconcile':
        return this.call('reconcile', { tasks: command.tasks })
      case 'kill': {
        const { taskId, agentId, graceMs } = command
        this.world.tell({ kind: 'kill-asked', key: keyOf({ frameworkId: this.frameworkId, taskId }) })
        return this.call('kill', {
          taskId,
          ...(agentId ? { agentId } : {}),
          ...(graceMs === undefined ? {} : { graceMs }),
        })
      }
    }
  }

  #accept({ offers, tasks }: Extract<Command, { kind: 'accept' }>): void {
    for (const { taskId } of tasks)
      this.world.tell({ kind: 'launch-asked', key: keyOf({ frameworkId: this.frameworkId, taskId }) })
    const body = {
      offerIds: offers.map(offer => offer.offerId),
      operations: tasks.length > 0 ? [operationToWire({ launch: tasks })] : [],
    }
    this.call('accept', body, (reply: Reply) => {
      if (reply.ok) return this.#tell({ kind: 'launched', results: (reply.result as Accepted).tasks })
      const taskIds = tasks.map(({ taskId }) => taskId)
      const code: ErrorCode = reply.code ?? 'malformed'
      this.#tell({ kind: 'accept-failed', taskIds, code, message: reply.message ?? '' })
    })
  }
}
