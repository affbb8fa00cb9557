import type { AgentTask } from '@tender/sdk/protocol'
import { absentFramework } from './framework-record.js'
import type { MasterState, Task } from './state.js'
import type { Turn } from './turn.js'
import { viewFramework } from './views.js'

/** Whether a task that an agent brings along is of a framework that has ended, also when another one has its id now. */
export function isOfEndedFramework(state: MasterState, { frameworkId, frameworkSince }: AgentTask): boolean {
  if (state.completedFrameworks.has(frameworkId)) return true
  const ended = state.frameworks.get(frameworkId)?.endedSubscribedAtMs
  return ended !== undefined && frameworkSince !== undefined && frameworkSince <= ended
}

/** A framework that only its tasks tell of, since its record is damaged or lost: it has as much time as others to come back. */
export function rememberFramework(turn: Turn, { frameworkId, role, frameworkSince }: Task): void {
  const { state, now } = turn
  if (state.frameworks.has(frameworkId) || state.completedFrameworks.has(frameworkId)) return
  const info = { frameworkId, name: frameworkId, roles: [role] }
  const framework = absentFramework(info, frameworkSince ?? now, now)
  state.frameworks.set(frameworkId, framework)
  turn.log('warn', 'a framework is known by its tasks alone; they run on until it comes back', {
    frameworkId,
  })
  turn.event({ kind: 'framework', framework: viewFramework(state, framework) })
}
