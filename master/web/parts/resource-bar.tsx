import { amount } from '../format/amount.js'

interface ResourceBarProps {
  readonly name: string
  readonly allocated: number
  readonly offered: number
  readonly total: number
}

/** What is allocated, offered and free of one amount; the legend beside the heading says which colour is which. */
export function ResourceBar({ name, allocated, offered, total }: ResourceBarProps) {
  const free = Math.max(0, total - allocated - offered)
  const [allocatedText, offeredText, freeText, totalText] = [allocated, offered, free, total].map(value =>
    amount(name, value),
  )
  const text = `${name}: ${allocatedText} allocated, ${offeredText} offered, ${freeText} free of ${totalText}`
  const width = (value: number) => ({ width: `${total > 0 ? Math.min(100, (value / total) * 100) : 0}%` })
  return (
    <div class="resource-bar" title={text}>
      <div class="bar" role="img" aria-label={text}>
        <span class="allocated" style={width(allocated)} />
        <span class="offered" style={width(offered)} />
      </div>
      <div class="bar-text" aria-hidden="true">
        <span>
          <b>{amount(name, allocated + offered)}</b> of {totalText}
        </span>
        <span class="faint">{freeText} free</span>
      </div>
    </div>
  )
}

export function BarLegend() {
  return (
    <p class="legend">
      <span class="key allocated" /> allocated <span class="key offered" /> offered <span class="key free" />{' '}
      free
    </p>
  )
}
