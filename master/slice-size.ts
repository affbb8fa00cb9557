const first = 5
const most = 250
/** Less than half of what the event loop may be held for: what follows may cost more than what was measured. */
const aimMs = 8

/**
 * Of how many agents offers are made at a time, by how long the last ones took: it depends on the machine, on how many
 * frameworks there are and on what they ask for. It begins with few whenever nothing was left to be done.
 */
export class SliceSize {
  #agents = first

  get agents(): number {
    return this.#agents
  }

  /** @param hasMore whether another slice follows */
  took(ms: number, hasMore: boolean): void {
    const fitting = Math.floor((this.#agents * aimMs) / Math.max(ms, 0.001))
    const next = Math.max(1, Math.min(fitting, 2 * this.#agents, most))
    this.#agents = hasMore ? next : first
  }
}
