import type { Plan } from '../plan/plan.js'

/** A plan that has broken a promise once, shrunk, and what it was. It stays, together with a small test of it. */
export interface Found {
  readonly was: string
  readonly plan: Plan
}

export const found: readonly Found[] = [
  {
    was: 'a new leader called tasks GONE that had ended while nobody led',
    plan: {
      seed: 73,
      profile: 'crashes',
      settings: {
        tickMs: 500,
        offerSlice: 2,
        isCodecReal: false,
        leaseMs: 1000,
      },
      healAtMs: 360000,
      endAtMs: 600000,
      masters: ['m1'],
      agents: [
        {
          agentId: 'a2',
          hostname: 'a2.test',
          resources: {
            cpus: 4,
            mem: 8192,
            ports: [[31000, 31009]],
          },
          attributes: {},
          containerizers: ['docker', 'process'],
          version: 'simulated',
        },
      ],
      apps: [],
      batches: [
        {
          frameworkId: 'batch1',
          role: '*',
          usesDemand: false,
          hopeless: 0,
          jobs: [
            {
              fromMs: 33114,
              resources: 'cpus:0.5;mem:128',
              ports: 1,
              durationMs: 48128,
              failures: 1,
            },
            {
              fromMs: 82546,
              resources: 'cpus:1;mem:512',
              ports: 1,
              durationMs: 24319,
              failures: 0,
              killAfterMs: 3346,
            },
          ],
        },
      ],
      operator: [],
      faults: [
        {
          atMs: 88492,
          forMs: 50005,
          kind: 'crash',
          process: 'm1',
        },
        {
          atMs: 121391,
          forMs: 4095,
          kind: 'crash',
          process: 'batch1',
          afterKind: 'accept',
        },
      ],
    },
  },
  {
    was: 'a framework that was started again took a later update first, and an earlier one was forgotten',
    plan: {
      seed: 73,
      profile: 'crashes',
      settings: {
        tickMs: 500,
        offerSlice: 2,
        isCodecReal: false,
        leaseMs: 1000,
      },
      healAtMs: 360000,
      endAtMs: 600000,
      masters: ['m1'],
      agents: [
        {
          agentId: 'a2',
          hostname: 'a2.test',
          resources: {
            cpus: 4,
            mem: 8192,
            ports: [[31000, 31009]],
          },
          attributes: {},
          containerizers: ['docker', 'process'],
          version: 'simulated',
        },
      ],
      apps: [],
      batches: [
        {
          frameworkId: 'batch1',
          role: '*',
          usesDemand: false,
          hopeless: 0,
          jobs: [
            {
              fromMs: 10_000,
              resources: 'cpus:1;mem:512',
              ports: 0,
              durationMs: 1_000,
              failures: 0,
              killAfterMs: 2_000,
            },
          ],
        },
      ],
      operator: [],
      faults: [{ atMs: 9_500, forMs: 4_000, kind: 'crash', process: 'batch1', afterKind: 'accept' }],
    },
  },
]
