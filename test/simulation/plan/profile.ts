import type { FaultKind } from './fault.js'

type Bounds = readonly [from: number, to: number]

/** What kind of a run it is: how large the cluster is, and what goes wrong how often. */
export interface Profile {
  readonly name: string
  readonly masters: Bounds
  readonly agents: Bounds
  readonly apps: Bounds
  readonly batches: Bounds
  readonly jobs: Bounds
  /** How many calls of operators. */
  readonly operator: Bounds
  readonly leaseMs: readonly number[]
  readonly tickMs: readonly number[]
  /** How many faults of each kind. */
  readonly faults: Readonly<Partial<Record<FaultKind, Bounds>>>
}

const small = {
  masters: [1, 3],
  agents: [2, 5],
  apps: [0, 2],
  batches: [1, 2],
  jobs: [4, 14],
  operator: [0, 0],
  // Mostly a long one: to look at it takes half of the time of a run.
  leaseMs: [1_000, 4_000, 4_000, 8_000],
  tickMs: [500, 500, 1_000],
} satisfies Omit<Profile, 'name' | 'faults'>

export const profiles: readonly Profile[] = [
  {
    ...small,
    name: 'calm',
    masters: [2, 3],
    leaseMs: [1_000],
    tickMs: [100, 200],
    faults: { crash: [1, 3], resign: [0, 1], exit: [0, 3] },
  },
  { ...small, name: 'crashes', faults: { crash: [4, 12], resign: [0, 2], exit: [0, 3] } },
  {
    ...small,
    name: 'losses',
    faults: { loss: [1, 4], doubling: [1, 3], delay: [0, 3], crash: [0, 2], exit: [0, 2] },
  },
  {
    ...small,
    name: 'partitions',
    faults: { cut: [2, 6], disconnect: [0, 3], 'broker-restart': [0, 2], crash: [0, 3] },
  },
  {
    ...small,
    name: 'registry',
    masters: [2, 3],
    faults: {
      'store-away': [0, 2],
      'store-slow': [0, 2],
      'store-answers-lost': [0, 2],
      'store-refuses': [0, 2],
      'registry-conflict': [0, 3],
      crash: [0, 4],
      cut: [0, 2],
    },
  },
  {
    ...small,
    name: 'pauses and clocks',
    masters: [2, 3],
    faults: {
      pause: [2, 6],
      slow: [1, 3],
      clock: [1, 5],
      crash: [1, 4],
      exit: [0, 2],
      'second-instance': [0, 2],
    },
  },
  {
    ...small,
    name: 'engines',
    faults: {
      exit: [3, 8],
      'starts-fail': [0, 2],
      'bad-messages': [1, 4],
      'disk-full': [0, 2],
      'record-damaged': [0, 2],
      crash: [1, 5],
    },
  },
  {
    ...small,
    name: 'many agents',
    masters: [2, 3],
    agents: [12, 24],
    apps: [1, 3],
    jobs: [10, 30],
    leaseMs: [8_000],
    tickMs: [1_000],
    faults: {
      crash: [2, 8],
      cut: [0, 4],
      'broker-restart': [0, 2],
      pause: [0, 2],
      loss: [0, 1],
      exit: [2, 6],
    },
  },
  {
    ...small,
    name: 'silences',
    agents: [5, 10],
    tickMs: [500],
    leaseMs: [4_000],
    faults: { 'cut-many': [2, 4], resign: [0, 1] },
  },
  {
    ...small,
    name: 'operators',
    masters: [2, 3],
    agents: [3, 5],
    operator: [4, 12],
    faults: {
      crash: [0, 3],
      pause: [0, 2],
      cut: [0, 2],
      'store-slow': [0, 2],
      'store-answers-lost': [0, 1],
      'store-refuses': [0, 1],
    },
  },
  {
    ...small,
    name: 'everything',
    masters: [2, 3],
    operator: [0, 4],
    faults: {
      crash: [1, 6],
      resign: [0, 1],
      pause: [0, 2],
      slow: [0, 2],
      cut: [0, 3],
      disconnect: [0, 2],
      delay: [0, 2],
      loss: [0, 2],
      doubling: [0, 1],
      'broker-restart': [0, 1],
      'store-away': [0, 1],
      'store-answers-lost': [0, 1],
      'store-refuses': [0, 1],
      'registry-conflict': [0, 1],
      clock: [0, 2],
      exit: [0, 3],
      'bad-messages': [0, 2],
      'disk-full': [0, 1],
      'second-instance': [0, 1],
      'record-damaged': [0, 1],
    },
  },
]
