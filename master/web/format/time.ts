/** `850 ms`, `12.3 s`, `4 m 05 s`, `3 h 20 m`, `5 d 3 h`: as exact as one needs at that length. */
export function duration(ms: number): string {
  const whole = Math.max(0, ms)
  if (whole < 1_000) return `${Math.round(whole)} ms`
  if (whole < 60_000) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`
  const seconds = Math.floor(whole / 1_000)
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3_600),
    Math.floor(seconds / 86_400),
  ]
  if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`
  if (hours < 24) return `${hours} h ${two(minutes % 60)} m`
  return `${days} d ${hours % 24} h`
}

/** Whole seconds, for what ticks on the page. */
export function ticking(ms: number): string {
  return ms < 60_000 ? `${Math.floor(Math.max(0, ms) / 1_000)} s` : duration(ms)
}

/** The time of day of this browser. */
export function timeOfDay(timestampMs: number): string {
  return new Date(timestampMs).toLocaleTimeString(undefined, { hour12: false })
}

export function dateAndTime(timestampMs: number): string {
  return new Date(timestampMs).toLocaleString(undefined, { hour12: false })
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
