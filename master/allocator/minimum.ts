import { parseQuantities, quantitiesToText, type Resources } from '@tender/sdk/values'
import type { Minimum } from './types.js'
import { amountOf, type Vectors } from './vectors.js'

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
export function meets(resources: Resources, minimum: Minimum, vectors: Vectors): boolean {
  if (resources.isEmpty) return false
  if (minimum.length === 0) return true
  const { all, hasShared } = vectors.of(resources)
  if (hasShared) {
    const has = resources.quantities()
    return minimum.some(each => [...each].every(([name, least]) => (has.get(name) ?? 0) >= least))
  }
  return vectors.ofMinimum(minimum).some(each => each.every(([id, least]) => amountOf(all, id) >= least))
}
