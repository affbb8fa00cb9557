import type { World } from './world/world.js'

const timeoutMs = 10_000
const tryAgainAfterMs = 500

/**
 * Somebody who gives the cluster orders, one after the other, each to whoever seems to lead; and who insists, when all
 * faults have ended.
 */
export class Operator {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  begin(): void {
    this.#next(0)
  }

  #next(index: number): void {
    const order = this.#world.plan.operator[index]
    if (order) this.#world.timeline.at(order.atMs, () => this.#ask(index))
  }

  #ask(index: number): void {
    const { timeline, plan } = this.#world
    const call = plan.operator[index]?.call
    if (!call) return
    const leaders = this.#world.leaders()
    const leader = leaders[index % Math.max(1, leaders.length)]
    if (!leader) return timeline.after(tryAgainAfterMs, () => this.#ask(index))
    this.#world.tell({ kind: 'operator-asked', call })
    let isOver = false
    const insists = this.#world.isHealed
    const finish = (text: string): boolean => {
      if (isOver) return false
      isOver = true
      this.#world.trace('operator', `${JSON.stringify(call)} at ${leader.name}: ${text}`)
      return true
    }
    timeline.after(timeoutMs, () => {
      if (!finish('no answer')) return
      this.#world.tell({ kind: 'operator-answered', call, reply: undefined })
      if (insists) this.#ask(index)
      else this.#next(index + 1)
    })
    leader.operate(call, reply => {
      if (!finish(reply.ok ? 'done' : `${reply.code}, ${reply.message}`)) return
      this.#world.tell({ kind: 'operator-answered', call, reply })
      this.#next(index + 1)
    })
  }
}
