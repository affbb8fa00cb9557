import type { WorldEvent } from '../world.js'
import type { SimulatedMaster } from './simulated-master.js'

type Skip = Extract<WorldEvent, { kind: 'skip' }>

/** Who was not offered what, and why: told once, and again when the reason has changed. */
export class Skips {
  readonly #master: SimulatedMaster
  readonly #told = new Map<string, string>()

  constructor(master: SimulatedMaster) {
    this.#master = master
  }

  take(): Skip[] {
    const { state, nowMs } = this.#master
    const skips: Skip[] = []
    for (const framework of [...state.frameworks.keys()].toSorted()) {
      for (const { role, agents } of state.allocator.explain(nowMs, framework).roles) {
        for (const { agentId: agent, reason } of agents) {
          const key = JSON.stringify([framework, role, agent])
          if (this.#told.get(key) === reason) continue
          this.#told.set(key, reason)
          if (reason !== 'offered') skips.push({ kind: 'skip', atMs: nowMs, framework, role, agent, reason })
        }
      }
    }
    return skips
  }
}
