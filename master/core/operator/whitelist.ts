import { recordVersion } from '../../registry/records.js'
import type { MasterState } from '../state.js'
import { changeOf, type Decision } from './decision.js'

/** Only agents of these host names are offered from now on; none named: of all. Offers stand on. */
export function setWhitelist(
  { whitelist: before }: MasterState,
  { hostnames }: { readonly hostnames?: readonly string[] },
): Decision {
  const whitelist = hostnames && [...new Set(hostnames)].toSorted()
  const value = { v: recordVersion, ...(whitelist ? { whitelist } : {}) }
  return {
    records: [{ kind: 'cluster', id: 'settings', value }],
    take: turn => {
      turn.state.whitelist = whitelist
      turn.state.allocator.setWhitelist(whitelist && new Set(whitelist))
      return changeOf('cluster', 'whitelist', textOf(before), textOf(whitelist))
    },
  }
}

function textOf(whitelist: readonly string[] | undefined): string {
  if (!whitelist) return 'all'
  return whitelist.length === 0 ? 'none' : whitelist.join(', ')
}
