/**
 * Pairs as many patterns with items as there can be, each with one (Kuhn's algorithm: who comes later may take an item
 * if its owner finds another). Greedy is not enough: a pattern that matches anything must not take the one item that
 * another one needs.
 *
 * @returns for each pattern the index of its item, or undefined
 */
export function bestPairs<P, I>(
  patterns: readonly P[],
  items: readonly I[],
  matches: (pattern: P, item: I) => boolean,
): (number | undefined)[] {
  const candidates = patterns.map(pattern =>
    items.flatMap((item, index) => (matches(pattern, item) ? [index] : [])),
  )
  const ownerOf = new Map<number, number>()
  for (const pattern of patterns.keys()) findItem(pattern, candidates, ownerOf, new Set())
  const pairs: (number | undefined)[] = patterns.map(() => undefined)
  for (const [item, owner] of ownerOf) pairs[owner] = item
  return pairs
}

function findItem(
  pattern: number,
  candidates: readonly (readonly number[])[],
  ownerOf: Map<number, number>,
  tried: Set<number>,
): boolean {
  for (const item of candidates[pattern] ?? []) {
    if (tried.has(item)) continue
    tried.add(item)
    const owner = ownerOf.get(item)
    if (owner === undefined || findItem(owner, candidates, ownerOf, tried)) {
      ownerOf.set(item, pattern)
      return true
    }
  }
  return false
}
