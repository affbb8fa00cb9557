import type { ChangesView, ChangeView } from '../../master/core/view.js'
import { durationText, instantText } from './text.js'

/** `role web: weight 1 -> 2`, a line for each thing that has changed. */
export function changesText({ changes }: ChangesView): string {
  if (changes.length === 0) return 'Nothing has changed: it was so already.'
  const bySubject = new Map<string, string[]>()
  for (const change of changes) {
    bySubject.set(change.subject, [...(bySubject.get(change.subject) ?? []), changeText(change)])
  }
  return [...bySubject].map(([subject, texts]) => `${subject}: ${texts.join(', ')}`).join('\n')
}

function changeText({ field, from, to }: ChangeView): string {
  const isInstant = field.endsWith('AtMs')
  const [before, after] = [from, to].map(text => (text === undefined ? 'none' : readable(text, isInstant)))
  return `${isInstant ? field.slice(0, -2) : field} ${before} -> ${after}`
}

/** Programs are told times in milliseconds, people are not. */
function readable(text: string, isInstant: boolean): string {
  if (isInstant) return instantText(Number(text))
  return text
    .replace(/\bstartMs (\d+)/, (_, ms: string) => `from ${instantText(Number(ms))}`)
    .replace(/\bdurationMs (\d+)/, (_, ms: string) => `for ${durationText(Number(ms))}`)
}
