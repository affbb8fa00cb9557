import type { Envelope, Peer } from '@tender/sdk/protocol'
import type { MasterCommand } from '../../../master/core/commands.js'
import type { MasterInput } from '../../../master/core/inputs.js'
import { Master } from '../../../master/core/master.js'
import { defaultMasterSettings, type MasterState } from '../../../master/core/state.js'
import type { ScenarioSettings } from '../scenario-file.js'

/** Nobody is silent in a simulation: longer than any scenario. */
const neverMs = 1e15
const defaultIntervalMs = 1_000

/**
 * The real master under virtual time. Its registry writes at once, and what it sends arrives at once: when `step`
 * returns, all that follows from an input has happened.
 */
export class SimulatedMaster {
  nowMs = 0
  readonly epoch = 1
  readonly #master: Master
  readonly #intervalMs: number
  readonly #inbox: MasterInput[] = []
  readonly #receivers = new Map<Peer['kind'], (id: string, envelope: Envelope) => void>()
  /** Instants at which a filter ends; the master looks at what time has done to it when it is told. */
  readonly #wakeUps = new Set<number>()
  #isStepping = false

  constructor(settings: ScenarioSettings) {
    const leadership = {
      cluster: 'simulation',
      masterId: 'm1',
      epoch: this.epoch,
      httpUrl: '',
      electedAtMs: 0,
      version: '',
    }
    this.#intervalMs = settings.allocationIntervalMs ?? defaultIntervalMs
    this.#master = new Master(
      leadership,
      { agents: [], frameworks: [], roles: [] },
      {
        ...defaultMasterSettings,
        ...(settings.offerTimeoutMs === undefined ? {} : { offerTimeoutMs: settings.offerTimeoutMs }),
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
    this.#inbox.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
        for (const command of this.#master.step({ ...next, now: this.nowMs })) this.#perform(command)
      }
    } finally {
      this.#isStepping = false
    }
  }

  #perform(command: MasterCommand): void {
    switch (command.kind) {
      case 'send':
        return this.#receivers.get(command.peer.kind)?.(command.peer.id, command.envelope)
      case 'store':
        return this.step({ kind: 'stored', ticket: command.ticket })
      case 'event':
      case 'answer':
      case 'log':
        return
    }
  }

  wakeAt(ms: number): void {
    if (ms > this.nowMs) this.#wakeUps.add(ms)
  }

  nextDueMs(): number {
    const expiries = [...this.state.offers.values()].flatMap(({ offer }) => offer.expiresAtMs ?? [])
    const tickMs = (Math.floor(this.nowMs / this.#intervalMs) + 1) * this.#intervalMs
    return Math.min(tickMs, ...this.#wakeUps, ...expiries)
  }

  advanceTo(ms: number): void {
    const isDue = ms >= this.nextDueMs()
    this.nowMs = ms
    if (!isDue) return
    this.#wakeUps.delete(ms)
    this.step({ kind: 'tick' })
  }
}
