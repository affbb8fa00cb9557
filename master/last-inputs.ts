import type { Millis } from '@tender/sdk/runtime'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TimedInput } from './core/inputs.js'

const kept = 200

/** When a core was told to make offers, and of how many agents at most. */
interface Offering {
  readonly now: Millis
  readonly mostAgents: number
}

/** The last inputs of a core, and after which of them it made offers, so that after a bug they can be played to it again. */
export class LastInputs {
  #inputs: (TimedInput & { offerings?: Offering[] })[] = []

  add(input: TimedInput): void {
    this.#inputs.push({ ...input })
    // Not at each one: to cut a list costs as much as it is long.
    if (this.#inputs.length >= 2 * kept) this.#inputs = this.#inputs.slice(-kept)
  }

  /** Offers were made after the last one, whether or not any were due. */
  offered(offering: Offering): void {
    const last = this.#inputs.at(-1)
    if (last) (last.offerings ??= []).push(offering)
  }

  /** Writes them to a file that only this user can read, for tasks may carry secrets. @returns its path */
  write(dir: string, name: string, error: unknown): string {
    const path = join(dir, `${name}.json`)
    const bug = error instanceof Error ? error.stack : String(error)
    const text = JSON.stringify({ error: bug, inputs: this.#inputs.slice(-kept) }, plain, 1)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
}

/** What JSON would leave out, or blow up. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return String(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return value
}
