const tones: Readonly<Record<string, string>> = {
  registered: 'good',
  connected: 'good',
  accepted: 'good',
  RUNNING: 'good',
  FINISHED: 'calm',
  declined: 'calm',
  KILLED: 'calm',
  STAGING: 'busy',
  STARTING: 'busy',
  KILLING: 'busy',
  rescinded: 'warn',
  expired: 'warn',
  disconnected: 'warn',
  suppressed: 'warn',
  draining: 'warn',
  deactivated: 'warn',
  unwell: 'warn',
  silent: 'warn',
  UNREACHABLE: 'warn',
  UNKNOWN: 'warn',
}

/** A state in its colour; the word says the same, for those who do not see it. */
export function StateTag({ state }: { state: string }) {
  return <span class={`tag ${tones[state] ?? 'bad'}`}>{state}</span>
}
