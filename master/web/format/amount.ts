import { kindOf, type WireResources } from '@tender/sdk/values'

const inMb = new Set(['mem', 'disk'])

/** A scalar of a resource with its unit: `1.5`, `512 MB`, `4 GB`. */
export function amount(name: string, value: number): string {
  if (!inMb.has(name)) return compact(value)
  return value < 1024 ? `${compact(value)} MB` : `${compact(value / 1024)} GB`
}

/** All of a kind of resource as text: `31000–31009, 31020`. */
export function valueText(key: string, value: WireResources[string]): string {
  const { name } = kindOf(key)
  if (typeof value === 'number') return amount(name, value)
  if (value.length === 0) return 'none'
  return value
    .map(item => {
      if (typeof item === 'string') return item
      if (typeof item === 'number') return amount(name, item)
      const [first, last] = item
      return first === last ? String(first) : `${first}–${last}`
    })
    .join(', ')
}

/** The order in which operators look at resources; others follow by name, and the kinds of one stand together. */
export function byHabit(a: string, b: string): number {
  const habit = ['cpus', 'mem', 'disk', 'gpus', 'ports']
  const place = (key: string) => habit.indexOf(kindOf(key).name) + 1 || habit.length + 1
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0)
}

function compact(value: number): string {
  return String(Math.round(value * 100) / 100)
}
