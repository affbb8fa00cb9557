import { createHash } from 'node:crypto'

/** A record as text, with a checksum in front, so that damage is recognised. */
export function seal(value: object): string {
  return JSON.stringify({ sum: checksum(value), ...value })
}

/**
 * The record of a text. One without a checksum is taken as it is: versions before this one wrote none.
 *
 * @throws SyntaxError when it is no JSON
 * @throws TypeError when it is no record, or its checksum is wrong
 */
export function unseal(text: string): unknown {
  const sealed: unknown = JSON.parse(text)
  if (typeof sealed !== 'object' || sealed === null) throw new TypeError('it is no record')
  const [first] = Object.keys(sealed)
  if (first === 'v') return sealed
  if (first !== 'sum') throw new TypeError(`it must begin with its checksum, got ${first ?? 'nothing'}`)
  const { sum, ...value } = sealed as { readonly sum: unknown }
  const right = checksum(value)
  if (sum !== right) throw new TypeError(`its checksum must be ${right}, got ${JSON.stringify(sum)}`)
  return value
}

function checksum(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}
