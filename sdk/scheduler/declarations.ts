import type { Demand, Shape } from '../protocol/demand.js'
import type { FrameworkInfo, OfferConstraints } from '../protocol/framework.js'
import type { TaskInfo } from '../protocol/task.js'
import type { Quantities } from '../values/quantities.js'
import { Resources } from '../values/resources.js'

/** What a framework says of itself in a subscription or an update. */
export interface Facts {
  readonly framework: FrameworkInfo
  readonly suppressedRoles: readonly string[]
  readonly offerConstraints?: OfferConstraints | undefined
}

/** What the author has said of the framework and of what it wants: a leader that does not know it yet is told all of it. */
export class Declarations {
  #framework: FrameworkInfo
  #suppressed: ReadonlySet<string>
  #offerConstraints: OfferConstraints | undefined
  readonly #shapes = new Map<string, readonly Shape[]>()

  constructor(facts: Facts, demands: readonly Demand[] = []) {
    this.#framework = facts.framework
    this.#suppressed = new Set(facts.suppressedRoles)
    this.#offerConstraints = facts.offerConstraints
    this.demand(demands)
  }

  get framework(): FrameworkInfo {
    return this.#framework
  }

  get facts(): Facts {
    return {
      framework: this.#framework,
      suppressedRoles: [...this.#suppressed],
      ...(this.#offerConstraints ? { offerConstraints: this.#offerConstraints } : {}),
    }
  }

  /** What is still wanted, of the roles that have a demand. */
  get demands(): Demand[] {
    return [...this.#shapes].map(([role, shapes]) => ({ role, shapes }))
  }

  /** What is wanted in these roles; of those that `withdrawn` names and that have no demand, that they have none. */
  demandsOf(roles: ReadonlySet<string>, withdrawn: readonly Demand[] = []): Demand[] {
    const held = this.demands.filter(({ role }) => roles.has(role))
    return [...held, ...withdrawn.filter(({ role }) => roles.has(role) && !this.#shapes.has(role))]
  }

  /**
   * The whole of an update: what it does not name stays as it is, or as an earlier update wants it, for the roles that
   * the framework then has.
   */
  completed(changes: Partial<Facts>, earlier: Partial<Facts> = {}): Facts {
    const known = { ...this.facts, ...earlier }
    const { frameworkId } = this.#framework
    const framework = changes.framework ? { ...changes.framework, frameworkId } : known.framework
    const isOwn = (role: string): boolean => framework.roles.includes(role)
    const constraints =
      changes.offerConstraints ??
      (known.offerConstraints &&
        Object.fromEntries(Object.entries(known.offerConstraints).filter(([role]) => isOwn(role))))
    return {
      framework,
      suppressedRoles: changes.suppressedRoles ?? [...this.#suppressed].filter(isOwn),
      ...(constraints ? { offerConstraints: constraints } : {}),
    }
  }

  suppress(roles: readonly string[] = this.#framework.roles): void {
    this.#suppressed = new Set([...this.#suppressed, ...roles])
  }

  unsuppress(roles: readonly string[] = this.#framework.roles): void {
    this.#suppressed = new Set([...this.#suppressed].filter(role => !roles.includes(role)))
  }

  /** The leader has taken these. What was said of roles that are given up is over. */
  update({ framework, offerConstraints }: Omit<Facts, 'suppressedRoles'>): void {
    this.#framework = framework
    this.#offerConstraints = offerConstraints
    this.keepSuppressed()
    for (const role of this.#shapes.keys()) if (!framework.roles.includes(role)) this.#shapes.delete(role)
  }

  setSuppressed(roles: readonly string[]): void {
    this.#suppressed = new Set(roles)
  }

  /** Only those of the framework's own: another one would make the leader refuse the next subscription. */
  keepSuppressed(): void {
    this.#suppressed = new Set([...this.#suppressed].filter(role => this.#framework.roles.includes(role)))
  }

  /** The leader has taken these: each in place of what was wanted in its role. */
  demand(demands: readonly Demand[]): void {
    for (const { role, shapes } of demands) {
      if (shapes) this.#shapes.set(role, shapes)
      else this.#shapes.delete(role)
    }
  }

  /** Tasks are launched, and wanted no more: each lowers the count of the first shape that it equals. */
  launched(role: string, tasks: readonly TaskInfo[]): void {
    for (const task of tasks) {
      const shapes = this.#shapes.get(role) ?? []
      const met = shapes.findIndex(shape => shape.count > 0 && isAsMuch(shape.resources, task.resources))
      if (met < 0) continue
      this.#shapes.set(
        role,
        shapes.map((shape, index) => (index === met ? { ...shape, count: shape.count - 1 } : shape)),
      )
    }
  }
}

/** By name, all kinds together; two ports of the agent's choice are as much as two certain ones. */
function isAsMuch(one: TaskInfo['resources'], other: TaskInfo['resources']): boolean {
  const [a, b]: Quantities[] = [Resources.fromWire(one).quantities(), Resources.fromWire(other).quantities()]
  return a?.size === b?.size && [...(a ?? [])].every(([name, amount]) => b?.get(name) === amount)
}
