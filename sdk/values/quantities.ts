import { fromThousandths, type Thousandths } from './quantity.js'
import { kindOf } from './resource-kind.js'
import { parseResources, ResourcesTextError } from './resources-text.js'

/**
 * Amounts by name, in thousandths, whatever the kind: minimum sizes of offers, guarantees and limits. Of ranges and
 * sets it is the number of their members. A name that is not there has no say; a zero in a limit means none at all.
 */
export type Quantities = ReadonlyMap<string, Thousandths>

/**
 * Reads plain names and numbers, such as `cpus:2;mem:1024`.
 * @throws ResourcesTextError naming the position and the rule
 */
export function parseQuantities(text: string): Quantities {
  const quantities = new Map<string, Thousandths>()
  for (const [key, value] of parseResources(text)) {
    const { name } = kindOf(key)
    if (key !== name || value.kind !== 'scalar') {
      throw new ResourcesTextError(
        text,
        Math.max(0, text.indexOf(key)),
        `a quantity is a plain name and a number, got '${key}'`,
      )
    }
    quantities.set(name, (quantities.get(name) ?? 0) + value.thousandths)
  }
  return quantities
}

/** The one text form: by name. */
export function quantitiesToText(quantities: Quantities): string {
  return [...quantities]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, thousandths]) => `${name}:${fromThousandths(thousandths)}`)
    .join(';')
}

/** Amounts as they stand in messages and in JSON: `{ cpus: 2, mem: 1024 }`. */
export function quantitiesToWire(quantities: Quantities): Record<string, number> {
  return Object.fromEntries(
    [...quantities].map(([name, thousandths]) => [name, fromThousandths(thousandths)]),
  )
}
