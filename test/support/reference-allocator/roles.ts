/** Whether a role is another one, or below it in the tree: `a/b` is within `a`, `ab` is not. */
export function isWithin(role: string, other: string): boolean {
  return role === other || role.startsWith(`${other}/`)
}

/** The role and those above it: `a/b/c`, `a/b`, `a`. */
export function withAncestors(role: string): string[] {
  const parts = role.split('/')
  return parts.map((_part, index) => parts.slice(0, parts.length - index).join('/'))
}

/** These roles and all above them that are directly below `parent`; `undefined` for the top of the tree. */
export function childrenOf(parent: string | undefined, roles: Iterable<string>): string[] {
  const depth = parent === undefined ? 0 : parent.split('/').length
  const children = [...roles]
    .filter(role => parent === undefined || (role !== parent && isWithin(role, parent)))
    .map(role =>
      role
        .split('/')
        .slice(0, depth + 1)
        .join('/'),
    )
  return [...new Set(children)]
}

/** Byte by byte. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
