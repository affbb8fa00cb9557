import { signal } from '@preact/signals'
import type { Explanation } from '../../core/view.js'
import { fetchExplanation } from './api.js'
import { state } from './store.js'

export type Explained =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly explanation: Explanation }
  | { readonly kind: 'failed'; readonly reason: string }

const refreshMs = 1_000

/** Of the frameworks of which the operator wants to know why they have no offers. */
export const explanations = signal<ReadonlyMap<string, Explained>>(new Map())

/** Opens or closes the explanation of a framework. */
export function toggleExplanation(frameworkId: string): void {
  const open = new Map(explanations.value)
  const wasOpen = open.delete(frameworkId)
  if (!wasOpen) open.set(frameworkId, { kind: 'asking' })
  explanations.value = open
  if (!wasOpen) void ask(frameworkId)
}

let timer: ReturnType<typeof setTimeout> | undefined

/** Something has happened: what is open is asked again, at most once a second. */
export function refreshExplanations(): void {
  if (explanations.value.size === 0) return
  timer ??= setTimeout(() => {
    timer = undefined
    void askAgain()
  }, refreshMs)
}

async function askAgain(): Promise<void> {
  const known = new Set(state.value?.frameworks.map(({ frameworkId }) => frameworkId))
  const open = [...explanations.value].filter(([frameworkId]) => known.has(frameworkId))
  if (open.length < explanations.value.size) explanations.value = new Map(open)
  await Promise.all(open.map(([frameworkId]) => ask(frameworkId)))
}

async function ask(frameworkId: string): Promise<void> {
  const answer = await fetchExplanation(frameworkId).then(
    (explanation): Explained => ({ kind: 'known', explanation }),
    (error: unknown): Explained => ({
      kind: 'failed',
      reason: error instanceof Error ? error.message : String(error),
    }),
  )
  // Closed meanwhile: then it stays so.
  if (!explanations.value.has(frameworkId)) return
  explanations.value = new Map(explanations.value).set(frameworkId, answer)
}
