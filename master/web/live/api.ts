import type { Explanation, LeaderView, RoleView, StateView } from '../../core/view.js'

/** The answer to a read of the state: it, or who is to be asked instead. */
export type StateAnswer =
  | { readonly kind: 'state'; readonly state: StateView; readonly eventId: string; readonly nowMs: number }
  | { readonly kind: 'moved'; readonly leaderUrl: string }
  | { readonly kind: 'no-leader' }

/** @throws Error when the master cannot be reached, or answers what it should not */
export async function fetchState(): Promise<StateAnswer> {
  // A master that does not lead would send this page to another origin, which it may not ask: so first who leads.
  const leader = await fetch('api/v1/leader')
  if (leader.status === 503) return { kind: 'no-leader' }
  const { isLeader, httpUrl } = await jsonOf<LeaderView>(leader)
  if (!isLeader) return { kind: 'moved', leaderUrl: httpUrl }
  const response = await fetch('api/v1/state', { redirect: 'error' })
  return {
    kind: 'state',
    state: await jsonOf<StateView>(response),
    eventId: response.headers.get('X-Event-Id') ?? '',
    nowMs: Number(response.headers.get('X-Now-Ms')),
  }
}

async function jsonOf<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`the master answered ${response.status}`)
  return (await response.json()) as T
}

/** Undefined when it cannot be had now. */
export async function fetchRoles(): Promise<readonly RoleView[] | undefined> {
  const response = await fetch('api/v1/roles', { redirect: 'error' }).catch(() => undefined)
  return response?.ok ? jsonOf<RoleView[]>(response) : undefined
}

/** Why a framework has no more offers. @throws Error saying why it cannot be had now */
export async function fetchExplanation(frameworkId: string): Promise<Explanation> {
  const query = new URLSearchParams({ framework: frameworkId })
  return jsonOf(await fetch(`api/v1/explain?${query.toString()}`, { redirect: 'error' }))
}

/** @param stream stdout or stderr */
export function logUrl(taskId: string, frameworkId: string, stream: string): string {
  const query = new URLSearchParams({ framework: frameworkId, stream })
  return `api/v1/tasks/${encodeURIComponent(taskId)}/logs?${query.toString()}`
}
