import type { Millis } from '@tender/sdk/runtime'
import type { Resources } from '@tender/sdk/values'

interface Filter {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly refused: Resources
  readonly expiresAtMs: Millis
}

/**
 * What frameworks have refused. A filter belongs to framework, role and agent, and stops an offer that is a subset of
 * what was refused: a larger offer is news, and goes through (Mesos' rule).
 */
export class Filters {
  #filters: Filter[] = []

  add(filter: Filter): void {
    this.#filters.push(filter)
  }

  refuses(frameworkId: string, role: string, agentId: string, offered: Resources): boolean {
    return this.#filters.some(
      filter =>
        filter.agentId === agentId &&
        filter.frameworkId === frameworkId &&
        filter.role === role &&
        filter.refused.contains(offered),
    )
  }

  /** Ends what is over, and names the agents concerned. */
  expire(now: Millis): string[] {
    return this.#end(filter => now >= filter.expiresAtMs)
  }

  clear(frameworkId: string, roles: readonly string[]): string[] {
    return this.#end(filter => filter.frameworkId === frameworkId && roles.includes(filter.role))
  }

  clearFramework(frameworkId: string): void {
    this.#end(filter => filter.frameworkId === frameworkId)
  }

  clearAgent(agentId: string): void {
    this.#end(filter => filter.agentId === agentId)
  }

  #end(ends: (filter: Filter) => boolean): string[] {
    const ended = this.#filters.filter(ends)
    if (ended.length > 0) this.#filters = this.#filters.filter(filter => !ends(filter))
    return [...new Set(ended.map(filter => filter.agentId))]
  }
}
