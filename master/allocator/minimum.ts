import { parseQuantities, quantitiesToText, type Resources } from '@tender/sdk/values'
import type { Minimum } from './types.js'

/**
 * Reads `cpus:0.01|mem:32`: `;` is and, `|` is or; the empty text asks for nothing.
 * @throws ResourcesTextError naming the position and the rule
 */
export function parseMinimum(text: string): Minimum {
  if (text.trim() === '') return []
  return text.split('|').map(parseQuantities)
}

export function minimumToText(minimum: Minimum): string {
  return minimum.map(quantitiesToText).join('|')
}

/** Whether an amount is enough for an offer. Nothing at all never is. */
export function meets(resources: Resources, minimum: Minimum): boolean {
  if (resources.isEmpty) return false
  if (minimum.length === 0) return true
  const has = resources.quantities()
  return minimum.some(all => [...all].every(([name, least]) => (has.get(name) ?? 0) >= least))
}
