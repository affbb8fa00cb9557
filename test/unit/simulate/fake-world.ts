import { Resources } from '@tender/sdk/values'
import type { World, WorldEvent } from '../../../cli/simulate/world.js'

/** A world that does what a test says, and writes down what it was asked to do. */
export class FakeWorld {
  readonly calls: string[] = []
  readonly events: WorldEvent[] = []
  nowMs = 0
  readonly world: World

  constructor(does: Partial<World> = {}) {
    const own: Partial<World> = {
      nextDueMs: () => undefined,
      advanceTo: ms => {
        this.calls.push(`advanceTo ${ms}`)
        this.nowMs = ms
      },
      takeEvents: () => this.events.splice(0),
      ...does,
    }
    this.world = new Proxy({} as World, {
      get: (_, name: keyof World) => {
        if (name === 'nowMs') return this.nowMs
        return (
          own[name] ?? ((...given: unknown[]) => void this.calls.push(`${name} ${JSON.stringify(given[0])}`))
        )
      },
    })
  }

  offer(agent: string): void {
    const resources = Resources.parse('cpus:1')
    const atMs = this.nowMs
    this.events.push({ kind: 'offer', atMs, offerId: 'o1', framework: 'f1', role: 'r1', agent, resources })
  }
}
