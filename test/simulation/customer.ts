import type { AppDefinition } from '../../frameworks/service/definition/index.js'
import type { AppPlan } from './plan/plan.js'
import type { World } from './world/world.js'

const tryAgainAfterMs = 3_000

/** Somebody who runs apps on the service framework, and insists until each change has been taken. */
export class Customer {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  begin(): void {
    for (const app of this.#world.plan.apps) this.#want(app, 0)
  }

  #want(app: AppPlan, index: number): void {
    const change = app.changes[index]
    if (change) this.#world.timeline.at(change.atMs, () => this.#ask(app, index))
  }

  #ask(app: AppPlan, index: number): void {
    const { services, timeline } = this.#world
    const { instances, cmd } = app.changes[index] ?? {}
    let isOver = false
    timeline.after(tryAgainAfterMs, () => {
      if (!isOver) this.#ask(app, index)
      isOver = true
    })
    const definition = {
      id: app.id,
      cmd,
      cpus: app.cpus,
      mem: 64,
      instances,
      maxLaunchDelaySeconds: 20,
    } as AppDefinition
    const [service] = services
    const current = service?.core?.app(app.id)
    const expected = current ? { version: current.record.version } : 'absent'
    service?.putApp(definition, expected, answer => {
      if (isOver || !answer.ok) return
      isOver = true
      this.#world.trace('customer', `app ${app.id} is to have ${instances} instances of '${cmd}'`)
      this.#want(app, index + 1)
    })
  }
}
