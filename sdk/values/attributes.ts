/** What an agent tells of itself that is not consumed, such as its rack. Text or a number. */
export type Attributes = Readonly<Record<string, string | number>>

/**
 * Reads `rack:r1;slots:4`. A value that is a number is one; all else is text.
 * @throws TypeError naming the part that is wrong
 */
export function parseAttributes(text: string): Attributes {
  const attributes: Record<string, string | number> = {}
  for (const part of text.split(';').map(each => each.trim())) {
    if (part === '') continue
    const match = /^([A-Za-z][A-Za-z0-9_.-]*):([A-Za-z0-9_./-]+)$/.exec(part)
    if (!match?.[1] || !match[2]) {
      throw new TypeError(
        `attributes '${text}': each is name:value of letters, digits or '_./-', got '${part}'`,
      )
    }
    if (Object.hasOwn(attributes, match[1]))
      throw new TypeError(`attributes '${text}': '${match[1]}' is named twice`)
    attributes[match[1]] = /^-?\d+(\.\d+)?$/.test(match[2]) ? Number(match[2]) : match[2]
  }
  return attributes
}
