import { Resources, type WireResources } from '@tender/sdk/values'

/** `cpus:1.5;mem:512;ports:[31000-31009]`; `-` for nothing. */
export function resourcesText(resources: WireResources): string {
  return Resources.fromWire(resources).toString() || '-'
}

/** `cpus:2;mem:1024`; `-` when there is none. */
export function quantitiesText(quantities: Readonly<Record<string, number>> | undefined): string {
  const names = Object.keys(quantities ?? {}).toSorted()
  return names.map(name => `${name}:${quantities?.[name]}`).join(';') || '-'
}

/** `2030-01-31T22:00:00Z` */
export function instantText(instantMs: number): string {
  return new Date(instantMs).toISOString().replace(/\.000Z$/, 'Z')
}

/** `840ms`, `12s`, `3m12s`, `2h05m`, `4d03h`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const seconds = Math.floor(ms / 1_000)
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3_600),
    Math.floor(seconds / 86_400),
  ]
  if (minutes === 0) return `${seconds}s`
  if (hours === 0) return `${minutes}m${two(seconds % 60)}s`
  return days === 0 ? `${hours}h${two(minutes % 60)}m` : `${days}d${two(hours % 24)}h`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
