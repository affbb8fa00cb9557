import * as Range from './ranges.js'
import { largestThousandths } from './quantity.js'
import { keyOf, kindOf, type ResourceKind, ResourceKeyError } from './resource-kind.js'
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

/** A mount is one piece, of which an agent may have several of the same size: they stay apart. */
type ParsedValue = readonly [key: string, value: ResourceValue]

/**
 * Reads `name:scalar`, `name:[a-b,c-d]` and `name:{x,y}`, joined by `;`, where a name may be qualified (`ResourceKind`).
 * The empty text is nothing at all; what is of one kind adds up.
 * @throws ResourcesTextError
 */
export function parseResources(text: string): ParsedValue[] {
  const values: ParsedValue[] = []
  const shapes = new Map<string, ResourceValue['kind']>()
  let position = 0
  for (const part of text.split(';')) {
    if (part.trim() !== '') {
      const [key, value] = parseOne(text, part, position)
      const known = shapes.get(key) ?? value.kind
      if (known !== value.kind) {
        throw new ResourcesTextError(text, position, `'${key}' is a ${known} above and a ${value.kind} here`)
      }
      shapes.set(key, known)
      values.push([key, value])
    }
    position += part.length + 1
  }
  return values
}

function parseOne(text: string, part: string, position: number): ParsedValue {
  const start = position + part.search(/\S/)
  const end = keyEnd(part)
  const kind = parseKey(text, part.slice(0, end).trim(), start)
  const key = keyOf(kind)
  if (end === part.length)
    throw new ResourcesTextError(text, position + part.length, `':' and a value must follow '${key}'`)
  const value = part.slice(end + 1).trim()
  const valuePosition = position + end + 1 + part.slice(end + 1).search(/\S|$/)
  const isPlain = !kind.volume && !kind.isMount
  if (value.startsWith('[') && isPlain)
    return [key, { kind: 'ranges', ranges: parseRanges(text, value, valuePosition) }]
  if (value.startsWith('{') && isPlain)
    return [key, { kind: 'set', items: parseSet(text, value, valuePosition) }]
  const thousandths = parseScalar(text, value, valuePosition)
  return [key, kind.isMount ? { kind: 'pieces', pieces: [thousandths] } : { kind: 'scalar', thousandths }]
}

/** Where the key ends: at the first colon that is not inside of its brackets. */
function keyEnd(part: string): number {
  let depth = 0
  for (let index = 0; index < part.length; index++) {
    const char = part.charAt(index)
    if ('([{'.includes(char)) depth += 1
    else if (')]}'.includes(char)) depth -= 1
    else if (char === ':' && depth <= 0) return index
  }
  const colon = part.indexOf(':')
  return depth > 0 && colon >= 0 ? colon : part.length
}

function parseKey(text: string, key: string, position: number): ResourceKind {
  try {
    return kindOf(key)
  } catch (error) {
    if (!(error instanceof ResourceKeyError)) throw error
    throw new ResourcesTextError(text, position + error.position, error.message)
  }
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
