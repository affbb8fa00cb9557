import { Resources } from '@tender/sdk/values'
import type { Claim, Holding } from './types.js'

const nothing: Holding = { offered: Resources.none, allocated: Resources.none }

export type Column = 'offered' | 'allocated'

interface AgentBook {
  total: Resources
  /** By framework, then role. */
  readonly holders: Map<string, Map<string, Holding>>
}

/**
 * Who holds what of which agent, exactly. For each agent, at all times, free + offered + allocated = total, resource by
 * resource and port by port; a change that would break this throws, for it is a bug of the caller. (An agent that
 * comes back with less than its tasks hold has nothing free until enough of them have ended.)
 */
export class Books {
  readonly #agents = new Map<string, AgentBook>()

  has(agentId: string): boolean {
    return this.#agents.has(agentId)
  }

  /** Agents in the order of their ids. */
  agentIds(): string[] {
    return [...this.#agents.keys()].toSorted()
  }

  setTotal(agentId: string, total: Resources): void {
    const book = this.#agents.get(agentId)
    if (book) book.total = total
    else this.#agents.set(agentId, { total, holders: new Map() })
  }

  removeAgent(agentId: string): void {
    this.#agents.delete(agentId)
  }

  total(agentId: string): Resources {
    return this.#agents.get(agentId)?.total ?? Resources.none
  }

  free(agentId: string): Resources {
    const { offered, allocated } = this.held({ agentId })
    return this.total(agentId).except(offered).except(allocated)
  }

  /** The sum of what is held of an agent, by a framework, in a role, or any of these together. */
  held(whose: { agentId?: string; frameworkId?: string; role?: string }): Holding {
    let { offered, allocated } = nothing
    for (const [agentId, book] of this.#agents) {
      if (whose.agentId !== undefined && agentId !== whose.agentId) continue
      for (const [frameworkId, roles] of book.holders) {
        if (whose.frameworkId !== undefined && frameworkId !== whose.frameworkId) continue
        for (const [role, holding] of roles) {
          if (whose.role !== undefined && role !== whose.role) continue
          offered = addUp(offered, holding.offered, whose.agentId)
          allocated = addUp(allocated, holding.allocated, whose.agentId)
        }
      }
    }
    return { offered, allocated }
  }

  holders(
    agentId: string,
  ): { frameworkId: string; role: string; offered: Resources; allocated: Resources }[] {
    const book = this.#agents.get(agentId)
    return [...(book?.holders ?? [])].flatMap(([frameworkId, roles]) =>
      [...roles].map(([role, holding]) => ({ frameworkId, role, ...holding })),
    )
  }

  /** From free to a column. @throws RangeError when it is not free (tasks of a returning agent are taken as they are) */
  charge(claim: Claim, column: Column): void {
    if (column === 'offered' && !this.free(claim.agentId).contains(claim.resources)) {
      throw new RangeError(`${String(claim.resources)} of agent ${claim.agentId} is not free`)
    }
    this.#change(claim, holding => ({ ...holding, [column]: holding[column].plus(claim.resources) }))
  }

  /** From a column back to free. @throws RangeError when the claimant does not hold it */
  release(claim: Claim, column: Column): void {
    this.#change(claim, holding => ({ ...holding, [column]: holding[column].minus(claim.resources) }))
  }

  /** From offered to allocated: a task is launched on an offer. */
  use(claim: Claim): void {
    this.release(claim, 'offered')
    this.charge(claim, 'allocated')
  }

  #change(claim: Claim, change: (holding: Holding) => Holding): void {
    const book = this.#agents.get(claim.agentId)
    if (!book) throw new RangeError(`agent ${claim.agentId} is not in the books`)
    const roles = book.holders.get(claim.frameworkId) ?? new Map<string, Holding>()
    const holding = change(roles.get(claim.role) ?? nothing)
    if (holding.offered.isEmpty && holding.allocated.isEmpty) roles.delete(claim.role)
    else roles.set(claim.role, holding)
    if (roles.size === 0) book.holders.delete(claim.frameworkId)
    else book.holders.set(claim.frameworkId, roles)
  }
}

/** Over several agents only scalars can be added up: port 31000 of one is not that of another. */
function addUp(sum: Resources, more: Resources, agentId: string | undefined): Resources {
  if (agentId !== undefined) return sum.plus(more)
  return sum.plus(Resources.of([...more.entries()].filter(([, value]) => value.kind === 'scalar')))
}
