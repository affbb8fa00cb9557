import { reservedRole, Resources, type Thousandths } from '@tender/sdk/values'
import type { AgentCondition, AgentFacts, Claim } from '../../../master/allocator/types.js'
import {
  addScalars,
  inBoth,
  isNotShared,
  isShared,
  isUnreserved,
  type Scalars,
  scalarsOf,
} from './amounts.js'
import { isWithin } from './roles.js'

export interface Agent {
  facts: AgentFacts
  condition: AgentCondition
  /** To be looked at in the next cycle. */
  isDue: boolean
}

/** An offer that stands, or what is left of it; or a task. */
export interface Entry {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly isTask: boolean
  resources: Resources
  /** For an offer by demand: under which declaration, of what, and how many of each of its shapes it holds. */
  made:
    | { readonly declaration: number; readonly counts: readonly number[]; readonly resources: Resources }
    | undefined
}

type Whose = { readonly agentId?: string; readonly frameworkId?: string; readonly role?: string }

/** Who holds what: agents, and a plain list of offers and tasks. Every answer is found by going through the list. */
export class Books {
  readonly agents = new Map<string, Agent>()
  entries: Entry[] = []

  agent(agentId: string): Agent {
    const agent = this.agents.get(agentId)
    if (!agent) throw new Error(`there is no agent '${agentId}'`)
    return agent
  }

  of(whose: Whose): Entry[] {
    return this.entries.filter(
      entry =>
        (whose.agentId === undefined || entry.agentId === whose.agentId) &&
        (whose.frameworkId === undefined || entry.frameworkId === whose.frameworkId) &&
        (whose.role === undefined || entry.role === whose.role),
    )
  }

  /** What a framework is offered of each agent becomes one offer: an accept takes them as one. */
  mergeOffers(whose: Whose): void {
    const firsts = new Map<string, Entry>()
    for (const entry of this.of(whose).filter(each => !each.isTask)) {
      const first = firsts.get(entry.agentId)
      if (!first) firsts.set(entry.agentId, entry)
      else {
        first.resources = first.resources.plus(entry.resources)
        this.entries = this.entries.filter(each => each !== entry)
      }
    }
  }

  within(role: string): Entry[] {
    return this.entries.filter(entry => isWithin(entry.role, role))
  }

  add(claim: Claim, isTask: boolean): Entry {
    const entry = { ...claim, isTask, made: undefined }
    if (!claim.resources.isEmpty) this.entries.push(entry)
    return entry
  }

  /** From the one entry that is just this, else from whichever have some of it. */
  takeOut(claim: Claim, isTask: boolean): void {
    const candidates = this.of({
      agentId: claim.agentId,
      frameworkId: claim.frameworkId,
      role: claim.role,
    }).filter(entry => entry.isTask === isTask)
    const just = candidates.find(entry => entry.resources.equals(claim.resources))
    let left = claim.resources
    for (const entry of just ? [just] : candidates) {
      const part = inBoth(left, entry.resources)
      entry.resources = entry.resources.minus(part)
      left = left.minus(part)
    }
    if (!left.isEmpty)
      throw new RangeError(`${claim.frameworkId} does not hold ${String(left)} of ${claim.agentId}`)
    this.entries = this.entries.filter(entry => !entry.resources.isEmpty)
  }

  /** A shared volume is always free. */
  free(agentId: string): Resources {
    const held = this.of({ agentId }).map(entry => entry.resources.only(isNotShared))
    return held.reduce((free, each) => free.except(each), this.agent(agentId).facts.total)
  }

  convert(agentId: string, from: Resources, to: Resources): void {
    const agent = this.agent(agentId)
    agent.facts = { ...agent.facts, total: agent.facts.total.minus(from).plus(to) }
  }

  /** Scalars of the whole cluster. */
  totals(): Scalars {
    return addScalars([...this.agents.values()].map(agent => scalarsOf(agent.facts.total)))
  }

  /** What is reserved for a role or below it, held or not, and what is held by it of what quota is about. */
  consumed(role: string, name: string): Thousandths {
    const reserved = [...this.agents.values()].map(({ facts }) =>
      scalarsOf(facts.total, kind => isWithin(reservedRole(kind) ?? '', role)),
    )
    const held = this.within(role).map(entry => scalarsOf(entry.resources, isUnreserved))
    return addScalars([...reserved, ...held]).get(name) ?? 0
  }

  /** Whether anything at all is set aside for this role or below it. */
  isReservedWithin(role: string): boolean {
    return [...this.agents.values()].some(
      ({ facts }) => !facts.total.only(kind => isWithin(reservedRole(kind) ?? '', role)).isEmpty,
    )
  }
}

/** A list of offers and tasks as one amount: a shared volume counts once, however many use it. */
export function sumOf(entries: readonly Entry[]): Resources {
  let sum = Resources.none
  for (const { resources } of entries) {
    sum = sum.plus(resources.only(isNotShared))
    sum = sum.plus(resources.only(isShared).except(sum))
  }
  return sum
}

/** The scalars of a list of offers and tasks; a shared volume of an agent counts once. */
export function scalarsHeld(entries: readonly Entry[]): Scalars {
  const agentIds = [...new Set(entries.map(entry => entry.agentId))]
  return addScalars(
    agentIds.map(agentId => scalarsOf(sumOf(entries.filter(entry => entry.agentId === agentId)))),
  )
}
