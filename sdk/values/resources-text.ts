import * as Range from './ranges.js'
import { largestThousandths } from './quantity.js'
import type { ResourceValue } from './resources.js'

/** The text of resources or attributes is wrong at one place. */
export class ResourcesTextError extends Error {
  override readonly name = 'ResourcesTextError'
  readonly position: number
  constructor(text: string, position: number, rule: string) {
    super(`resources '${text}', position ${position + 1}: ${rule}`)
    this.position = position
  }
}

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]*$/

/**
 * Reads `name:scalar`, `name:[a-b,c-d]` and `name:{x,y}`, joined by `;`. The empty text is nothing at all.
 * @throws ResourcesTextError
 */
export function parseResources(text: string): Map<string, ResourceValue> {
  const values = new Map<string, ResourceValue>()
  let position = 0
  for (const part of text.split(';')) {
    if (part.trim() !== '') {
      const [name, value] = parseOne(text, part, position)
      if (values.has(name)) throw new ResourcesTextError(text, position, `'${name}' is named twice`)
      values.set(name, value)
    }
    position += part.length + 1
  }
  return values
}

function parseOne(text: string, part: string, position: number): [string, ResourceValue] {
  const colon = part.indexOf(':')
  const name = part.slice(0, colon < 0 ? part.length : colon).trim()
  if (!namePattern.test(name)) {
    throw new ResourcesTextError(
      text,
      position,
      `a name is a letter followed by letters, digits, '.', '_' or '-', got '${name}'`,
    )
  }
  if (colon < 0)
    throw new ResourcesTextError(text, position + part.length, `':' and a value must follow '${name}'`)
  const value = part.slice(colon + 1).trim()
  const valuePosition = position + colon + 1 + part.slice(colon + 1).search(/\S|$/)
  if (value.startsWith('['))
    return [name, { kind: 'ranges', ranges: parseRanges(text, value, valuePosition) }]
  if (value.startsWith('{')) return [name, { kind: 'set', items: parseSet(text, value, valuePosition) }]
  return [name, { kind: 'scalar', thousandths: parseScalar(text, value, valuePosition) }]
}

function parseScalar(text: string, value: string, position: number): number {
  const match = /^(\d+)(?:\.(\d{1,3}))?$/.exec(value)
  if (!match) {
    throw new ResourcesTextError(
      text,
      position,
      `a scalar is a number of 0 or more with up to 3 decimals, got '${value}'`,
    )
  }
  const thousandths = Number(match[1]) * 1000 + Number((match[2] ?? '').padEnd(3, '0'))
  if (thousandths > largestThousandths) {
    throw new ResourcesTextError(
      text,
      position,
      `a scalar is at most ${largestThousandths / 1000}, got '${value}'`,
    )
  }
  return thousandths
}

function parseRanges(text: string, value: string, position: number): Range.Ranges {
  const inner = /^\[(.*)\]$/.exec(value)?.[1]
  if (inner === undefined)
    throw new ResourcesTextError(text, position + value.length, `']' must close the ranges`)
  if (inner.trim() === '') return []
  return Range.normalize(inner.split(',').map(range => parseRange(text, range.trim(), position)))
}

function parseRange(text: string, range: string, position: number): Range.Range {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(range)
  const [begin, end] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || begin > end) {
    throw new ResourcesTextError(text, position, `a range is 'first-last' with first <= last, got '${range}'`)
  }
  return [begin, end]
}

function parseSet(text: string, value: string, position: number): string[] {
  const inner = /^\{(.*)\}$/.exec(value)?.[1]
  if (inner === undefined)
    throw new ResourcesTextError(text, position + value.length, `'}' must close the set`)
  if (inner.trim() === '') return []
  const items = inner.split(',').map(item => item.trim())
  const wrong = items.find(item => !/^[A-Za-z0-9_.:/-]+$/.test(item))
  if (wrong !== undefined) {
    throw new ResourcesTextError(
      text,
      position,
      `a member is letters, digits or one of '_.:/-', got '${wrong}'`,
    )
  }
  return [...new Set(items)].toSorted()
}
