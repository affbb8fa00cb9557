import { nowMs } from '../live/now.js'
import { ticking } from '../format/time.js'

/** How long ago that was, by the leader's clock; ticks. */
export function Age({ sinceMs }: { sinceMs: number }) {
  return <span data-testid="age">{ticking(nowMs.value - sinceMs)}</span>
}

/** How long until then; ticks. */
export function TimeLeft({ untilMs }: { untilMs: number }) {
  const leftMs = untilMs - nowMs.value
  return <span data-testid="time-left">{leftMs > 0 ? `in ${ticking(leftMs)}` : 'now'}</span>
}

/** How long until then; ticks, and warns at the end. */
export function Countdown({ madeAtMs, untilMs }: { madeAtMs: number; untilMs: number | undefined }) {
  if (untilMs === undefined)
    return (
      <span class="faint" data-testid="deadline">
        never
      </span>
    )
  const leftMs = untilMs - nowMs.value
  const isLate = leftMs < (untilMs - madeAtMs) / 10
  return (
    <span class={isLate ? 'late' : ''} data-testid="deadline">
      {leftMs > 0 ? `in ${ticking(leftMs)}` : 'due'}
    </span>
  )
}
