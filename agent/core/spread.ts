import type { Millis } from '@tender/sdk/runtime'

/**
 * When an agent does what all agents do: somewhere within `withinMs`, the same each time for the same agent and epoch,
 * so that ten thousand of them come evenly, and each at another place after the next election.
 */
export function spread(agentId: string, epoch: number, withinMs: Millis): Millis {
  return Math.floor((hash(`${agentId}/${epoch}`) / 2 ** 32) * withinMs)
}

/** FNV-1a, and the last step of MurmurHash3: ids that differ in one letter are not to stand next to each other. */
function hash(text: string): number {
  let mixed = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193)
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
