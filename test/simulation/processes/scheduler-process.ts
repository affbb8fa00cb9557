import type {
  Accepted,
  Demand,
  Envelope,
  ErrorCode,
  FrameworkInfo,
  Reply,
  TaskStatus,
} from '@tender/sdk/protocol'
import { type Offer, offerFromWire } from '#sdk/scheduler/calls.js'
import {
  type CallKind,
  Driver,
  type DriverCommand,
  type DriverEvent,
  type DriverInput,
} from '#sdk/scheduler/driver.js'
import { keyOf } from '../world/facts.js'
import type { Connection } from '../world/network.js'
import { SimulatedProcess } from '../world/process.js'
import type { World } from '../world/world.js'

interface AcceptBody {
  readonly operations: readonly { readonly tasks?: readonly { readonly taskId: string }[] }[]
}

/** After these nobody knows whether tasks were launched; the last says that one of the name is there already. */
const uncertainCodes: readonly string[] = ['timeout', 'closed', 'duplicate-task'] satisfies ErrorCode[]

/** A framework: the SDK's real driver, in a shell that does what the SDK's `Scheduler` does. */
export abstract class SchedulerProcess extends SimulatedProcess {
  readonly frameworkId: string
  readonly #framework: FrameworkInfo
  protected connection!: Connection
  #driver: Driver | undefined
  #session = ''
  #calls = 0
  readonly #settlers = new Map<string, (reply: Reply) => void>()
  readonly #commands: DriverCommand[] = []
  #isPerforming = false

  constructor(world: World, name: string, framework: FrameworkInfo) {
    super(world, name)
    this.frameworkId = framework.frameworkId
    this.#framework = framework
  }

  /** Calls that have not been answered. */
  get openCalls(): number {
    return this.#settlers.size
  }

  protected abstract onSubscribed(): void
  protected abstract onDisconnected(reason: string): void
  protected abstract onOffers(offers: readonly Offer[]): void
  /** @param done to be called when what follows from it is stored */
  protected abstract onUpdate(status: TaskStatus, done: () => void): void
  protected abstract onFailed(code: ErrorCode, message: string): void

  /** At the start, and when the connection to the store is there: the framework subscribes. */
  protected subscribe(suppressedRoles: readonly string[], demands: readonly Demand[] = []): void {
    this.#settlers.clear()
    this.#commands.length = 0
    this.#isPerforming = false
    this.#session = `${this.name}-${this.life}`
    this.#driver = new Driver({
      framework: this.#framework,
      session: this.#session,
      startedAtMs: this.now(),
      suppressedRoles,
      demands,
    })
    const { network, codec } = this.world
    network.subscribe(
      this.connection,
      `framework/${this.frameworkId}`,
      this.whenAlive(({ envelope }) => {
        const decoded = codec.toFramework(envelope)
        if (decoded.ok) this.#step({ kind: 'message', message: decoded.message })
        else this.#step({ kind: 'bad-message', error: decoded.error })
      }),
    )
    network.subscribe(
      this.connection,
      'beacon',
      this.whenAlive(({ envelope }) => {
        const decoded = codec.beacon(envelope)
        if (decoded.ok) this.#step({ kind: 'beacon', epoch: decoded.message.epoch })
      }),
    )
    this.#step({ kind: 'start' })
    this.every(this.world.settings.tickMs, () => this.#step({ kind: 'tick' }))
  }

  protected override onStart(): void {
    this.connection = this.connect(status => {
      if (status === 'connected') this.#step({ kind: 'reconnected' })
    })
  }

  protected override onEnd(): void {
    this.world.network.close(this.connection)
    this.#driver = undefined
    this.#settlers.clear()
    this.#commands.length = 0
    this.#isPerforming = false
  }

  /** @param settle later, never within this call */
  protected call(call: CallKind, body: object, settle: (reply: Reply) => void = () => {}): void {
    const callId = `${this.#session}-${++this.#calls}`
    this.#settlers.set(callId, reply => {
      if (call === 'accept') this.#noteRefusals(body as AcceptBody, reply)
      settle(reply)
    })
    this.#step({ kind: 'call', callId, call, body })
  }

  #noteRefusals({ operations }: AcceptBody, { ok, code = 'malformed', result }: Reply): void {
    const results = ok ? (result as Accepted).tasks : []
    const refused = ok
      ? results.flatMap(each => (each.ok ? [] : [{ taskId: each.taskId, code: each.code ?? 'malformed' }]))
      : operations.flatMap(({ tasks = [] }) => tasks.map(({ taskId }) => ({ taskId, code })))
    for (const { taskId, code: reason } of refused) {
      this.world.trace(this.name, `is told that ${taskId} was not launched: ${reason}`)
      const isCertain = !uncertainCodes.includes(reason)
      const key = keyOf({ frameworkId: this.frameworkId, taskId })
      if (isCertain) this.world.tell({ kind: 'launch-refused', key, code: reason })
    }
  }

  #step(input: DriverInput): void {
    const driver = this.#driver
    if (!driver) return
    this.#commands.push(...this.world.calling(this.name, () => driver.step(input, this.now())))
    if (this.#isPerforming) return
    this.#isPerforming = true
    for (let command = this.#commands.shift(); command; command = this.#commands.shift())
      this.#perform(command)
    this.#isPerforming = false
  }

  #perform(command: DriverCommand): void {
    switch (command.kind) {
      case 'send':
        this.burn(command.envelope.kind)
        return this.#send(command.envelope)
      case 'settle': {
        const settle = this.#settlers.get(command.callId)
        this.#settlers.delete(command.callId)
        if (settle) this.soon(() => settle(command.reply))
        return
      }
      case 'event':
        return this.#emit(command.event)
      case 'log':
        return
    }
  }

  #send(envelope: Envelope): void {
    this.world.network.publish(this.connection, 'leader', {
      peer: { kind: 'framework', id: this.frameworkId },
      envelope: this.world.codec.pack(envelope),
    })
  }

  #emit(event: DriverEvent): void {
    switch (event.kind) {
      case 'subscribed':
        return this.onSubscribed()
      case 'disconnected':
        return this.onDisconnected(event.reason)
      case 'offers': {
        const { frameworkId, life, name } = this
        const offerIds = event.offers.map(offer => offer.offerId)
        this.world.tell({ kind: 'offered', frameworkId, process: name, life, offerIds })
        return this.onOffers(event.offers.map(offerFromWire))
      }
      case 'update':
        return this.#updated(event.status)
      case 'failed':
        this.world.trace(this.name, `has failed: ${event.code}, ${event.message}`)
        return this.onFailed(event.code, event.message)
      case 'rescinded':
      case 'inverse-offers':
      case 'inverse-rescinded':
        return
    }
  }

  #updated(status: TaskStatus): void {
    const { frameworkId } = this
    const { taskId, agentId, sequence, state } = status
    this.world.trace(this.name, `is told ${taskId} ${state}${sequence === undefined ? '' : ` #${sequence}`}`)
    this.world.tell({ kind: 'told', frameworkId, process: this.name, life: this.life, status })
    let isDone = false
    this.onUpdate(status, () => {
      if (isDone) return
      isDone = true
      if (sequence === undefined || agentId === undefined) return
      this.world.tell({ kind: 'handled', frameworkId, status })
      this.soon(() => this.#step({ kind: 'handled', taskId, agentId, sequence }))
    })
  }
}
