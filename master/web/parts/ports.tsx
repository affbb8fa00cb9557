import type { WireResources } from '@tender/sdk/values'
import { valueText } from '../format/amount.js'

interface Held {
  readonly allocated: WireResources
  readonly offered: WireResources
  readonly free: WireResources
}

/** Ports as text, what is not there left out. */
export function Ports({ held }: { held: Held }) {
  const kinds = (['allocated', 'offered', 'free'] as const).filter(kind => held[kind].ports !== undefined)
  if (kinds.length === 0) return <span class="faint">none</span>
  return (
    <span class="ports">
      {kinds.map(kind => (
        <span key={kind}>
          <span class={`key ${kind}`} title={kind} role="img" aria-label={kind} />{' '}
          {valueText('ports', held[kind].ports ?? [])}
        </span>
      ))}
    </span>
  )
}
