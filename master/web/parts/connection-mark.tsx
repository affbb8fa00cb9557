import { connection } from '../live/store.js'

const words = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost',
  'no-leader': 'no leader',
  moved: 'not leading',
} as const

/** Whether what the page shows is of now. */
export function ConnectionMark() {
  const { kind } = connection.value
  return (
    <span class={`mark ${kind}`} role="status" data-testid="connection" data-state={kind}>
      {words[kind]}
    </span>
  )
}
