import type { ComponentChildren } from 'preact'
import { type Connection, connection, state } from '../live/store.js'

/** Says what is wrong with the connection, and what the operator can do. */
export function ConnectionNotice() {
  const text = notice(connection.value)
  const isStale = state.value !== undefined
  if (!text || (isStale && connection.value.kind === 'connecting')) return null
  return (
    <p class="notice" role="alert" data-testid="notice">
      {text} {isStale && 'What you see is the last that was known.'}
    </p>
  )
}

function notice(now: Connection): ComponentChildren {
  switch (now.kind) {
    case 'live':
      return null
    case 'connecting':
      return 'Asking the master…'
    case 'lost':
      return `No connection: ${now.reason}. Trying again every second; check that the master runs.`
    case 'no-leader':
      return 'No master leads now. An election takes seconds; if it does not end, check that NATS can be reached.'
    case 'moved':
      return (
        <>
          This master does not lead any more. <a href={now.leaderUrl}>Go to the leader at {now.leaderUrl}</a>.
        </>
      )
  }
}
