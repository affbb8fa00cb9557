import type { Envelope, Peer, Reply } from '@tender/sdk/protocol'
import { defaultAllocatorSettings } from '../../../master/allocator/allocator.js'
import { parseMinimum } from '../../../master/allocator/minimum.js'
import type { AllocatorSettings } from '../../../master/allocator/types.js'
import type { MasterCommand } from '../../../master/core/commands.js'
import type { MasterInput } from '../../../master/core/inputs.js'
import { Master } from '../../../master/core/master.js'
import type { OperatorCall } from '../../../master/core/operator-calls.js'
import { defaultMasterSettings, type MasterState } from '../../../master/core/state.js'
import type { ScenarioSettings } from '../scenario-file.js'
import { StepRefused } from '../world.js'

/** Nobody is silent in a simulation: longer than any scenario. */
const neverMs = 1e15

/**
 * The real master under virtual time. Its registry writes at once, and what it sends arrives at once: when `step`
 * returns, all that follows from an input has happened. What belongs together is offered together: offers are made when
 * nothing else is left to be done.
 */
export class SimulatedMaster {
  nowMs = 0
  readonly epoch = 1
  readonly #master: Master
  readonly #inbox: MasterInput[] = []
  readonly #receivers = new Map<Peer['kind'], (id: string, envelope: Envelope) => void>()
  readonly #answers = new Map<string, Reply>()
  #requests = 0
  /** Greater than 0: whoever has begun waits until all is said. */
  #depth = 0

  constructor(settings: ScenarioSettings) {
    const leadership = {
      cluster: 'simulation',
      masterId: 'm1',
      epoch: this.epoch,
      httpUrl: '',
      electedAtMs: 0,
      version: '',
    }
    this.#master = new Master(
      leadership,
      { agents: [], frameworks: [], roles: [] },
      {
        ...defaultMasterSettings,
        // None unless told: what is looked at is who is offered what, not who forgets to answer.
        offerTimeoutMs: settings.offerTimeoutMs ?? null,
        allocator: allocatorSettings(settings),
        agentTimeoutMs: neverMs,
        frameworkTimeoutMs: neverMs,
      },
    )
  }

  /** To be read, not to be changed. */
  get state(): MasterState {
    return this.#master.state
  }

  onMessage(kind: Peer['kind'], receive: (id: string, envelope: Envelope) => void): void {
    this.#receivers.set(kind, receive)
  }

  /** Inputs that come while one is handled wait for their turn. */
  step(input: MasterInput): void {
    this.together(() => this.#inbox.push(input))
  }

  /** All that is said in `work` is handled before any offer is made. Answers are there when this returns. */
  together(work: () => void): void {
    this.#depth += 1
    try {
      work()
      if (this.#depth === 1) this.#settle()
    } finally {
      this.#depth -= 1
    }
  }

  /** @throws StepRefused as the master answers */
  operate(call: OperatorCall): void {
    const requestId = `r${++this.#requests}`
    this.step({ kind: 'operator', requestId, call })
    const reply = this.#answers.get(requestId)
    this.#answers.delete(requestId)
    if (!reply?.ok)
      throw new StepRefused(reply?.code ?? 'timeout', reply?.message ?? `${call.kind} was not answered`)
  }

  #settle(): void {
    do {
      for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
        const commands = this.#master.handle({ ...next, now: this.nowMs })
        for (const command of commands) this.#perform(command)
        // The registry is quicker than anybody who is still to be heard.
        const stored = commands.flatMap(each => (each.kind === 'store' ? [each.ticket] : []))
        this.#inbox.unshift(...stored.map(ticket => ({ kind: 'stored' as const, ticket })))
      }
      for (const command of this.#master.offer(this.nowMs)) this.#perform(command)
    } while (this.#inbox.length > 0)
  }

  #perform(command: MasterCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#receivers.get(command.peer.kind)?.(command.peer.id, command.envelope)
      case 'answer':
        this.#answers.set(command.requestId, command.reply)
        return
      case 'store':
      case 'event':
      case 'log':
        return
    }
  }

  nextDueMs(): number {
    return this.#master.nextDueMs()
  }

  advanceTo(ms: number): void {
    const isDue = ms >= this.nextDueMs()
    this.nowMs = ms
    if (isDue) this.step({ kind: 'tick' })
  }
}

function allocatorSettings(settings: ScenarioSettings): AllocatorSettings {
  const { allocationIntervalMs, allocateOnRelease, demandAware, sorter, seed } = settings
  return {
    ...defaultAllocatorSettings,
    ...(allocationIntervalMs === undefined ? {} : { allocationIntervalMs }),
    ...(allocateOnRelease === undefined ? {} : { allocateOnRelease }),
    ...(settings.minAllocatable === undefined
      ? {}
      : { minAllocatable: parseMinimum(settings.minAllocatable) }),
    ...(settings.fairnessExcluded ? { fairnessExcluded: new Set(settings.fairnessExcluded) } : {}),
    ...(demandAware === undefined ? {} : { demandAware }),
    ...(sorter === undefined ? {} : { sorter }),
    ...(seed === undefined ? {} : { seed }),
  }
}
