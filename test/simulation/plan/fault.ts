/** Something that goes wrong, from `atMs` on, for `forMs`. A process is a name, or `the leader`, whoever that is then. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | {
      readonly kind: 'crash'
      readonly process: string
      /** Not at once, but after so many more commands, in the middle of a step. */
      readonly afterCommands?: number
      /** Not at once, but when it has performed a command of this kind. */
      readonly afterKind?: string
    }
  /** A master gives leadership up and ends. */
  | { readonly kind: 'resign'; readonly process: string }
  | { readonly kind: 'pause'; readonly process: string }
  | { readonly kind: 'slow'; readonly process: string; readonly delayMs: number }
  /** A part of the network is gone: these agents are cut off at the same moment. */
  | { readonly kind: 'cut-many'; readonly agentIds: readonly string[] }
  | { readonly kind: 'cut'; readonly process: string; readonly direction: 'in' | 'out' | 'both' }
  /** A cut that the process notices. */
  | { readonly kind: 'disconnect'; readonly process: string }
  | { readonly kind: 'delay'; readonly process: string; readonly delayMs: number }
  | { readonly kind: 'loss'; readonly probability: number }
  | { readonly kind: 'doubling'; readonly probability: number }
  | { readonly kind: 'broker-restart' }
  | { readonly kind: 'store-away' }
  | { readonly kind: 'store-slow'; readonly delayMs: number }
  | { readonly kind: 'store-answers-lost'; readonly probability: number }
  | { readonly kind: 'store-refuses'; readonly probability: number }
  /** Somebody else writes a record of the registry, as a leader that should be none would. */
  | { readonly kind: 'registry-conflict' }
  | { readonly kind: 'clock'; readonly process: string; readonly offsetMs: number; readonly rate: number }
  /** A container ends by itself, or is removed behind the agent's back. */
  | { readonly kind: 'exit'; readonly agentId: string; readonly exitCode: number | undefined }
  | { readonly kind: 'starts-fail'; readonly agentId: string; readonly probability: number }
  /** Nothing can be written to the agent's disk. */
  | { readonly kind: 'disk-full'; readonly agentId: string }
  /** The agent dies: a record on its disk cannot be read any more when the agent starts again. */
  | { readonly kind: 'record-damaged'; readonly agentId: string }
  /** Somebody starts the service framework a second time, elsewhere. */
  | { readonly kind: 'second-instance' }
  | { readonly kind: 'bad-messages'; readonly to: 'leader' | 'agents' | 'frameworks' }
)

export type FaultKind = Fault['kind']

export function describeFault({ atMs, forMs, kind, ...details }: Fault): string {
  const facts = Object.entries(details).map(([name, value]) => `${name} ${String(value)}`)
  const lasting = forMs > 0 ? ` for ${(forMs / 1_000).toFixed(1)} s` : ''
  return `${(atMs / 1_000).toFixed(1)} s: ${kind}${lasting}${facts.length > 0 ? `, ${facts.join(', ')}` : ''}`
}
