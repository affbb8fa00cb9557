import type { Fact } from '../world/facts.js'
import { PromiseBroken } from '../world/promise-broken.js'
import type { World } from '../world/world.js'

/** Watches from outside whether a promise is kept. */
export abstract class Oracle {
  abstract readonly name: string
  /** How many times something was looked at. */
  checks = 0
  protected readonly world: World

  constructor(world: World) {
    this.world = world
  }

  abstract see(fact: Fact): void

  /** When everything has come to rest: what is left over all the same. */
  remains(): string[] {
    return []
  }

  /** @throws PromiseBroken unless it holds */
  protected expect(holds: boolean, message: () => string): void {
    this.checks++
    if (!holds) throw new PromiseBroken(this.name, message())
  }
}
