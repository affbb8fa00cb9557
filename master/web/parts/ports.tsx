import { Resources, type WireResources } from '@tender/sdk/values'
import { valueText } from '../format/amount.js'

interface Held {
  readonly allocated: WireResources
  readonly offered: WireResources
  readonly free: WireResources
}

/** Ports as text, reserved or not, what is not there left out. */
export function Ports({ held }: { held: Held }) {
  const ports = (['allocated', 'offered', 'free'] as const).map(
    kind => [kind, Resources.fromWire(held[kind]).ranges('ports')] as const,
  )
  const shown = ports.filter(([, ranges]) => ranges.length > 0)
  if (shown.length === 0) return <span class="faint">none</span>
  return (
    <span class="ports">
      {shown.map(([kind, ranges]) => (
        <span key={kind}>
          <span class={`key ${kind}`} title={kind} role="img" aria-label={kind} />{' '}
          {valueText('ports', [...ranges])}
        </span>
      ))}
    </span>
  )
}
