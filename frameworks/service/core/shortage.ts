import type { Millis } from '@tender/sdk'

/** One thing that an offer has too little of. */
export interface Lack {
  readonly resource: string
  readonly needed: number
  readonly offered: number
  /** Where two numbers do not say it, e.g. `port 8080 is not offered`. */
  readonly sentence?: string
}

/** Why an app did not fit on the last offers: what the nearest of them lacks. */
export interface Shortage {
  readonly hostname: string
  readonly agentId: string
  readonly lacks: readonly Lack[]
  /** How many agents were looked at. */
  readonly agents: number
  readonly sinceMs: Millis
}

/** The fewest lacks first, then the smallest ones in proportion. */
export function isNearer(a: readonly Lack[], b: readonly Lack[]): boolean {
  return a.length === b.length ? distance(a) < distance(b) : a.length < b.length
}

function distance(lacks: readonly Lack[]): number {
  return lacks.reduce((sum, { needed, offered }) => sum + (needed - offered) / Math.max(needed, 1e-9), 0)
}

export function describeShortage({ hostname, agentId, lacks, agents }: Shortage): string {
  const which =
    agents === 1
      ? `agent ${agentId} (${hostname})`
      : `the nearest of ${agents} agents, ${agentId} (${hostname}),`
  return `the offers do not fit: ${which} lacks ${lacks.map(describeLack).join(' and ')}`
}

function describeLack({ resource, needed, offered, sentence }: Lack): string {
  return sentence ?? `${resource} (${needed} needed, ${offered} offered)`
}
