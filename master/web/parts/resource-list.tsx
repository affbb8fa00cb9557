import type { WireResources } from '@tender/sdk/values'
import { byHabit, valueText } from '../format/amount.js'

/** Resources in one line: `cpus 0.5  mem 128 MB  ports 31000–31001`. */
export function ResourceList({ resources }: { resources: WireResources }) {
  const entries = Object.entries(resources).toSorted(([a], [b]) => byHabit(a, b))
  if (entries.length === 0) return <span class="faint">none</span>
  return (
    <span class="resources">
      {entries.map(([name, value]) => (
        <span key={name} class="resource">
          <span class="label">{name}</span> {valueText(name, value)}
        </span>
      ))}
    </span>
  )
}
