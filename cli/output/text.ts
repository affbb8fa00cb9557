import { Resources, type WireResources } from '@tender/sdk/values'

/** `cpus:1.5;mem:512;ports:[31000-31009]`; `-` for nothing. */
export function resourcesText(resources: WireResources): string {
  return Resources.fromWire(resources).toString() || '-'
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
