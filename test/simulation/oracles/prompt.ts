import type { Fact } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** From the end of a leader to the next one, when nothing else is wrong. */
const longestMs = 2_000

/** Promise 4, in a calm cluster: when the leader dies and another master stands by, that one leads within two seconds. */
export class Prompt extends Oracle {
  override readonly name = 'leads soon'
  #leader: string | undefined
  #endedAtMs: number | undefined

  override see(fact: Fact): void {
    if (this.world.plan.profile !== 'calm') return
    const { now } = this.world.timeline
    if (fact.kind === 'elected') {
      const waitedMs = now - (this.#endedAtMs ?? now)
      this.expect(waitedMs <= longestMs, () => `nobody has led for ${waitedMs} ms`)
      this.#leader = fact.process
      this.#endedAtMs = undefined
    } else if (fact.kind === 'process-ended') {
      const isMaster = this.world.masters.some(({ name }) => name === fact.process)
      if (!isMaster) return
      const isStandbyThere = this.world.masters.some(({ isUp, name }) => isUp && name !== fact.process)
      const isLeader = this.#leader === fact.process
      if (isLeader) this.#leader = undefined
      // Another one that dies meanwhile may be the one that was about to lead.
      this.#endedAtMs = isLeader && isStandbyThere ? now : undefined
    }
  }
}
