import type { ChangesView, ChangeView } from '../../master/core/view.js'

/** `role web: weight 1 -> 2`, a line for each thing that has changed. */
export function changesText({ changes }: ChangesView): string {
  if (changes.length === 0) return 'Nothing has changed: it was so already.'
  const bySubject = new Map<string, string[]>()
  for (const change of changes) {
    bySubject.set(change.subject, [...(bySubject.get(change.subject) ?? []), changeText(change)])
  }
  return [...bySubject].map(([subject, texts]) => `${subject}: ${texts.join(', ')}`).join('\n')
}

function changeText({ field, from = 'none', to = 'none' }: ChangeView): string {
  return `${field} ${from} -> ${to}`
}
