/** States of a task that may still change. */
export const liveStates = ['STAGING', 'STARTING', 'RUNNING', 'KILLING', 'UNREACHABLE', 'UNKNOWN'] as const

/** States that a task never leaves. */
export const terminalStates = [
  'FINISHED',
  'FAILED',
  'KILLED',
  'ERROR',
  'DROPPED',
  'GONE',
  'GONE_BY_OPERATOR',
] as const

export const taskStates = [...liveStates, ...terminalStates] as const

/** Where a task is in its life; see docs/frameworks.md for what each asks of a framework. */
export type TaskState = (typeof taskStates)[number]
export type TerminalState = (typeof terminalStates)[number]

export function isTerminal(state: TaskState): state is TerminalState {
  return (terminalStates as readonly string[]).includes(state)
}
