/** How many there are in each state. */
export function countStates(...lists: Iterable<{ readonly state: string }>[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const list of lists) for (const { state } of list) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}
