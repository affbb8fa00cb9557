import type { RegistryRecord } from '../../registry/records.js'
import type { Turn } from '../turn.js'
import type { ChangeView } from '../view.js'

/** What an operator's call comes to, when nothing is wrong with it. */
export interface Decision {
  readonly records: readonly RegistryRecord[]
  /** Before it is stored: what must not happen meanwhile is prevented. */
  readonly prepare?: (turn: Turn) => void
  /** When it is stored. @returns what was and what is now */
  readonly take: (turn: Turn) => readonly ChangeView[]
  /** When it could not be stored: takes back what `prepare` has done. */
  readonly undo?: (turn: Turn) => void
}

/** One thing that has changed; nothing if it was so already. The empty text stands for nothing at all. */
export function changeOf(subject: string, field: string, from: string, to: string): ChangeView[] {
  if (from === to) return []
  return [{ subject, field, ...(from === '' ? {} : { from }), ...(to === '' ? {} : { to }) }]
}
