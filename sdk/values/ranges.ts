/** A closed interval of whole numbers, such as the ports 31000 to 31999. */
export type Range = readonly [begin: number, end: number]

/**
 * A set of whole numbers as intervals: ascending, disjoint, and never touching, so that equal sets are equal lists.
 */
export type Ranges = readonly Range[]

/** Brings any list of intervals into the one form. */
export function normalize(ranges: readonly Range[]): Ranges {
  const sorted = ranges.filter(([begin, end]) => begin <= end).toSorted((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [begin, end] of sorted) {
    const last = merged.at(-1)
    if (last && begin <= last[1] + 1) last[1] = Math.max(last[1], end)
    else merged.push([begin, end])
  }
  return merged
}

export function union(a: Ranges, b: Ranges): Ranges {
  return normalize([...a, ...b])
}

/** What is in `a` and not in `b`. */
export function difference(a: Ranges, b: Ranges): Ranges {
  const rest: Range[] = []
  for (const [begin, end] of a) {
    let from = begin
    for (const [cutBegin, cutEnd] of b) {
      if (cutEnd < from || cutBegin > end) continue
      if (cutBegin > from) rest.push([from, cutBegin - 1])
      from = cutEnd + 1
    }
    if (from <= end) rest.push([from, end])
  }
  return rest
}

export function intersects(a: Ranges, b: Ranges): boolean {
  return a.some(([begin, end]) => b.some(([otherBegin, otherEnd]) => begin <= otherEnd && otherBegin <= end))
}

export function includes(a: Ranges, b: Ranges): boolean {
  return b.every(([begin, end]) => a.some(([from, to]) => from <= begin && end <= to))
}

/** How many numbers there are. */
export function count(ranges: Ranges): number {
  return ranges.reduce((sum, [begin, end]) => sum + end - begin + 1, 0)
}

/** The first `wanted` numbers, ascending; fewer when there are not so many. */
export function take(ranges: Ranges, wanted: number): number[] {
  const taken: number[] = []
  for (const [begin, end] of ranges) {
    for (let value = begin; value <= end && taken.length < wanted; value++) taken.push(value)
  }
  return taken
}

/** The first `wanted` numbers as intervals; fewer when there are not so many. */
export function lowest(ranges: Ranges, wanted: number): Ranges {
  const taken: Range[] = []
  let missing = wanted
  for (const [begin, end] of ranges) {
    if (missing <= 0) break
    const last = Math.min(end, begin + missing - 1)
    taken.push([begin, last])
    missing -= last - begin + 1
  }
  return taken
}
