import { computed, signal } from '@preact/signals'
import type { InverseOfferView, StateView } from '../../core/view.js'

/** How this page stands to the leader. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'no-leader' }
  /** The master that served this page does not lead any more; another one does. */
  | { readonly kind: 'moved'; readonly leaderUrl: string }

export const connection = signal<Connection>({ kind: 'connecting' })

/** The cluster as last told; undefined before the first answer. */
export const state = signal<StateView | undefined>(undefined)

/** What the operator looks for; rows that do not contain it are hidden. */
export const filterText = signal('')

/** Names of frameworks by id, for tables that carry only the id. */
export const frameworkNames = computed(
  () => new Map(state.value?.frameworks.map(({ frameworkId, name }) => [frameworkId, name])),
)

/** Who was asked to leave an agent, by its id. */
export const inverseOffersByAgent = computed(() => {
  const byAgent = new Map<string, InverseOfferView[]>()
  for (const inverseOffer of state.value?.inverseOffers ?? []) {
    byAgent.set(inverseOffer.agentId, [...(byAgent.get(inverseOffer.agentId) ?? []), inverseOffer])
  }
  return byAgent
})
