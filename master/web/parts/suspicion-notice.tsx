import type { LeaderView } from '../../core/view.js'

/** Says that the master hears too few agents to believe it. */
export function SuspicionNotice({ leader }: { leader: LeaderView }) {
  if (!leader.suspicion) return null
  return (
    <p class="notice" role="alert" data-testid="suspicion">
      {leader.suspicion.silentAgents} agents are silent at once: this master suspects its own link, and gives
      none of them up. If they are away indeed, say so: <code>tender agents confirm-silent</code>.
    </p>
  )
}
