import type { ClusterEvent } from '../../core/view.js'
import { applyEvents } from '../../http/apply-events.js'
import { fetchRoles, fetchState } from './api.js'
import { refreshExplanations } from './explanations.js'
import { setLeaderTime } from './now.js'
import { connection, state } from './store.js'

const retryMs = 1_000
const batchMs = 50
const rolesMs = 1_000
/** The master says something every 5 s; without it the connection is dead, even if nobody has noticed. */
const silenceMs = 12_000

/** Keeps the store like the cluster: fetches the state, then applies what the event stream tells, for ever. */
export function follow(): void {
  void load()
}

async function load(): Promise<void> {
  try {
    const answer = await fetchState()
    if (answer.kind === 'state') {
      setLeaderTime(answer.nowMs)
      state.value = answer.state
      refreshExplanations()
      listen(answer.eventId)
      return
    }
    connection.value = answer
  } catch (error) {
    connection.value = { kind: 'lost', reason: error instanceof Error ? error.message : String(error) }
  }
  setTimeout(load, retryMs)
}

function listen(eventId: string): void {
  const source = new EventSource(`api/v1/events?lastEventId=${encodeURIComponent(eventId)}`)
  let batch: ClusterEvent[] = []
  let watchdog = setTimeout(restart, silenceMs)

  function restart(): void {
    clearTimeout(watchdog)
    source.close()
    batch = []
    setTimeout(load, retryMs * (0.2 + Math.random()))
  }
  function alive(): void {
    clearTimeout(watchdog)
    watchdog = setTimeout(restart, silenceMs)
    if (connection.value.kind !== 'live') connection.value = { kind: 'live' }
  }

  source.addEventListener('open', alive)
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    alive()
    // Events come in bursts: one change of the page for each burst.
    if (batch.length === 0) setTimeout(flush, batchMs)
    batch.push(JSON.parse(data) as ClusterEvent)
  })
  function flush(): void {
    const events = batch
    batch = []
    if (events.length === 0 || !state.value) return
    state.value = applyEvents(state.value, events)
    refreshRoles()
    refreshExplanations()
  }
  source.addEventListener('heartbeat', ({ data }: MessageEvent<string>) => {
    alive()
    setLeaderTime((JSON.parse(data) as { nowMs: number }).nowMs)
    // What has no event of its own: an operator changes a weight, a filter ends by time.
    refreshRoles()
    refreshExplanations()
  })
  // Something happened that the master cannot tell any more.
  source.addEventListener('reset', restart)
  source.addEventListener('error', () => {
    connection.value = { kind: 'lost', reason: 'the connection to the master broke' }
    // Unless it is closed, the browser connects again by itself and goes on after the last event.
    if (source.readyState === EventSource.CLOSED) restart()
  })
}

let rolesTimer: ReturnType<typeof setTimeout> | undefined

/** Shares change with every offer and task; they are fetched at most once a second while something happens. */
function refreshRoles(): void {
  rolesTimer ??= setTimeout(() => {
    rolesTimer = undefined
    void takeRoles()
  }, rolesMs)
}

async function takeRoles(): Promise<void> {
  const roles = await fetchRoles()
  if (roles && state.value) state.value = { ...state.value, roles }
}
