/** Where the leader is. */
export interface LeaderAddress {
  readonly masterId: string
  readonly httpUrl: string
}

/** What stands in the bucket: who leads. */
export interface Lease extends LeaderAddress {
  /**
   * Of whose renewal this is. A lease that has just been won has none: its epoch is its revision, which only the answer
   * tells. So a master that finds its own lease knows whether it is of the term that it remembers.
   */
  readonly epoch?: number
}

export function formatLease({ masterId, httpUrl }: LeaderAddress, epoch?: number): string {
  return JSON.stringify({ masterId, httpUrl, ...(epoch === undefined ? {} : { epoch }) })
}

/** @returns nothing for what no master has written */
export function parseLease(text: string): Lease | undefined {
  try {
    const { masterId, httpUrl, epoch } = JSON.parse(text) as Partial<Lease>
    if (typeof masterId !== 'string' || typeof httpUrl !== 'string') return undefined
    return { masterId, httpUrl, ...(typeof epoch === 'number' ? { epoch } : {}) }
  } catch {
    return undefined
  }
}
