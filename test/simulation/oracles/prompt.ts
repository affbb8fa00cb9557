import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** From the end of a leader to the first offers of the next one, when nothing else is wrong. */
const longestMs = 2_000

/**
 * Promise 4, in a calm cluster: when the leader dies and another master stands by, that one leads within two seconds, and
 * has made an offer to whoever wants one.
 */
export class Prompt extends Oracle {
  override readonly name = 'leads and offers soon'
  #leader: string | undefined
  #endedAtMs: number | undefined
  #offeredAtMs = -Infinity

  override see(fact: Fact): void {
    if (this.world.plan.profile !== 'calm') return
    const { now } = this.world.timeline
    if (fact.kind === 'elected') {
      const waitedMs = now - (this.#endedAtMs ?? now)
      this.expect(waitedMs <= longestMs, () => `nobody has led for ${waitedMs} ms`)
      this.#leader = fact.process
      this.#endedAtMs = undefined
    } else if (fact.kind === 'leader-sent' && fact.envelope.kind === 'offers') this.#offeredAtMs = now
    else if (fact.kind === 'process-ended') this.#ended(fact.process)
  }

  #ended(process: string): void {
    const { timeline, masters } = this.world
    const { now } = timeline
    if (!masters.some(({ name }) => name === process)) return
    const isStandbyThere = masters.some(({ isUp, name }) => isUp && name !== process)
    const isLeader = this.#leader === process
    if (isLeader) this.#leader = undefined
    // Another one that dies meanwhile may be the one that was about to lead.
    this.#endedAtMs = isLeader && isStandbyThere ? now : undefined
    const isWanted = this.#wanting().length > 0
    if (!isLeader || !isStandbyThere || !isWanted || !this.#isAllWell) return
    timeline.after(longestMs, () => {
      const wanting = this.#wanting()
      if (wanting.length === 0 || !this.#isAllWell) return
      this.expect(
        this.#offeredAtMs >= now,
        () => `nothing was offered in ${longestMs} ms, and ${wanting.join(', ')} wants something`,
      )
    })
  }

  #wanting(): string[] {
    return this.world.batches.filter(({ isWaiting }) => isWaiting).map(({ frameworkId }) => frameworkId)
  }

  /** But for the leader. */
  get #isAllWell(): boolean {
    return [...this.world.agents, ...this.world.batches].every(({ isUp }) => isUp)
  }
}
