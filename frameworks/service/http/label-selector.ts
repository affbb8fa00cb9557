/** A selector that cannot be read. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

export type Labels = Readonly<Record<string, string>>
type Condition = (labels: Labels) => boolean

const name = String.raw`[A-Za-z0-9_.\/-]+`
const inList = new RegExp(String.raw`^(${name})\s+(in|notin)\s+\(([^()]*)\)$`)
const comparison = new RegExp(String.raw`^(${name})\s*(==|!=)\s*(\S+)$`)
const existence = new RegExp(`^${name}$`)

/**
 * Reads Marathon's label selectors: `team`, `team==web`, `team!=web`, `team in (web, shop)`, `team notin (web)`, joined
 * by commas, all of which must hold. A label that is not there fulfils none of them.
 * @throws SelectorError
 */
export function parseLabelSelector(text: string): Condition {
  // A comma inside of brackets is not one between conditions.
  const conditions = text.split(/,(?![^(]*\))/).map(part => parseCondition(part.trim()))
  return labels => conditions.every(condition => condition(labels))
}

function parseCondition(text: string): Condition {
  const [, listed, operator, items] = inList.exec(text) ?? []
  if (listed !== undefined && items !== undefined) {
    const values = items.split(',').map(item => item.trim())
    return valueOf(listed, value => values.includes(value) === (operator === 'in'))
  }
  const [, compared, sign, wanted] = comparison.exec(text) ?? []
  if (compared !== undefined) return valueOf(compared, value => (value === wanted) === (sign === '=='))
  if (existence.test(text)) return valueOf(text, () => true)
  throw new SelectorError(
    `label: must be conditions such as team, team==web, team!=web, team in (web, shop), joined by commas, got '${text}'`,
  )
}

function valueOf(label: string, holds: (value: string) => boolean): Condition {
  return labels => {
    const value = labels[label]
    return value !== undefined && holds(value)
  }
}
