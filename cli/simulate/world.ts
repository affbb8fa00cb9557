import type { Resources } from '@tender/sdk/values'
import type { StepValue } from './steps.js'

/** The cluster refuses a step, and nothing has changed. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What a cluster makes known while it works. */
export type WorldEvent =
  | {
      readonly kind: 'offer' | 'rescind'
      readonly atMs: number
      readonly offerId: string
      readonly framework: string
      readonly role: string
      readonly agent: string
      readonly resources: Resources
    }
  | {
      readonly kind: 'inverseOffer'
      readonly atMs: number
      readonly framework: string
      readonly agent: string
      readonly startMs: number
    }
  | {
      readonly kind: 'skip'
      readonly atMs: number
      readonly framework: string
      readonly role: string
      readonly agent: string
      readonly reason: string
    }

export type OfferEvent = Extract<WorldEvent, { kind: 'offer' | 'rescind' }>
export type InverseOfferEvent = Extract<WorldEvent, { kind: 'inverseOffer' }>

/** Whose part of the books; all of them when nothing is named. */
export interface Whose {
  readonly agent?: string | undefined
  readonly framework?: string | undefined
  readonly role?: string | undefined
}

/**
 * A simulated cluster: what steps do to it, and what can be asked of it. Time stands still but for `advanceTo`. A step
 * that the cluster refuses throws StepRefused; whatever else is thrown is a bug, or not there yet.
 */
export interface World {
  /** Since the scenario's beginning. */
  readonly nowMs: number
  /** The next instant, later than now, at which something happens by itself; undefined: never. */
  nextDueMs(): number | undefined
  /** Moves time, not beyond what is due next; what is due then happens. */
  advanceTo(ms: number): void
  tickNow(): void

  setAgent(agent: StepValue<'agent'>): void
  removeAgent(id: string): void
  deactivateAgent(id: string): void
  reactivateAgent(id: string): void
  drain(drain: StepValue<'drain'>): void

  setFramework(framework: StepValue<'framework'>): void
  deactivate(id: string): void
  activate(id: string): void
  removeFramework(id: string): void

  accept(accept: StepValue<'accept'>): void
  decline(decline: StepValue<'decline'>): void
  release(release: StepValue<'release'>): void
  revive(whose: StepValue<'revive'>): void
  suppress(whose: StepValue<'suppress'>): void
  unsuppress(whose: StepValue<'unsuppress'>): void
  clearFilters(whose: StepValue<'clearFilters'>): void
  demand(demand: StepValue<'demand'>): void

  setWeight(weight: StepValue<'weight'>): void
  setQuota(quota: StepValue<'quota'>): void
  reserve(reserve: StepValue<'reserve'>): void
  unreserve(unreserve: StepValue<'unreserve'>): void
  createVolume(create: StepValue<'createVolume'>): void
  destroyVolume(destroy: StepValue<'destroyVolume'>): void
  setWhitelist(hostnames: StepValue<'whitelist'>): void
  maintain(maintenance: StepValue<'maintenance'>): void

  /** What has happened since this was called last, in order. */
  takeEvents(): WorldEvent[]
  roleOrder(): readonly string[]
  frameworkOrder(role: string): readonly string[]
  /** A dominant share; undefined: there is no such role, or no such framework in it. */
  share(role: string, framework?: string): number | undefined
  /** undefined: there is no such series. */
  metric(name: string, labels: Readonly<Record<string, string>>): number | undefined
  /** The code of why there is no offer. */
  explain(framework: string, role: string | undefined, agent: string): string
  /** Over several agents only scalars are added up, here and in the two below. */
  free(agent: string | undefined): Resources
  offered(whose: Whose): Resources
  allocated(whose: Whose): Resources
}
