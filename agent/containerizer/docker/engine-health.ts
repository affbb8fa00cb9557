import { setTimeout as delay } from 'node:timers/promises'
import type { AgentHealth } from '@tender/sdk/protocol'
import { describeEngine, type EngineConnection, messageOf, ping } from './engine.js'

const lookMs = 2_000
/** An engine under load is slow; one that is away refuses at once. */
const patienceMs = 5_000

/** Looks whether the engine answers, and tells when that has changed. */
export class EngineHealth {
  readonly #engine: EngineConnection
  readonly #tell: (health: AgentHealth) => void
  readonly #closed = new AbortController()
  #told: boolean | undefined
  #wake = new AbortController()

  constructor(engine: EngineConnection, tell: (health: AgentHealth) => void) {
    this.#engine = engine
    this.#tell = tell
  }

  /** Looks until `close`. */
  async watch(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.#look()
      this.#wake = new AbortController()
      const signal = AbortSignal.any([this.#closed.signal, this.#wake.signal])
      await delay(lookMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** A call has failed: looks at once. */
  suspect(): void {
    if (this.#told === true) this.#wake.abort()
  }

  close(): void {
    this.#closed.abort()
  }

  async #look(): Promise<void> {
    const abortSignal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(patienceMs)])
    try {
      await ping(this.#engine, abortSignal)
      if (!this.#engine.isKnown) await describeEngine(this.#engine, abortSignal)
      this.#is({ ok: true })
    } catch (error) {
      this.#is({ ok: false, reason: `the docker engine does not answer: ${messageOf(error)}` })
    }
  }

  #is(health: AgentHealth): void {
    if (this.#closed.signal.aborted || this.#told === health.ok) return
    this.#told = health.ok
    this.#tell(health)
  }
}
