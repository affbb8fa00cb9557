import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Allocator } from '../../../master/allocator/allocator.js'
import type { AllocatorSettings } from '../../../master/allocator/types.js'
import * as Pool from './pools.js'
import { type Bounds, type Step, type StepKind, World } from './world.js'

/** Another number tries other histories; a failure names the one that it came from. */
const seed = Number(process.env['TENDER_PROPERTY_SEED'] ?? 20_260_101)
const stepsAtLeast = 100_000

const events: readonly StepKind[] = [
  ...(['agent', 'agent', 'framework', 'framework'] as const),
  ...(['accept', 'accept', 'accept', 'decline', 'decline', 'release', 'release', 'charge'] as const),
  ...([
    'removeAgent',
    'condition',
    'whitelist',
    'deactivateFramework',
    'activate',
    'removeFramework',
  ] as const),
  ...(['suppress', 'unsuppress', 'clearFilters', 'weight', 'advance', 'advance', 'tick'] as const),
]

interface Theme extends Bounds {
  readonly kinds: readonly StepKind[]
  readonly runs: number
  /** Whether demand is declared before there is anything to offer. */
  readonly isByDemand: boolean
  readonly allocateOnRelease: readonly boolean[]
}

const plain: Theme = {
  kinds: events,
  runs: 800,
  isByDemand: false,
  agents: Pool.plainAgents,
  mostAgents: 3,
  mostFrameworks: 4,
  roles: Pool.rolesOfTheTree,
  plain: true,
  allocateOnRelease: [true],
}
const conversions = ['convertFree', 'convertFree', 'convertOffered', 'convertOffered'] as const
const everything: Theme = {
  ...plain,
  kinds: [...events, ...conversions, 'quota', 'quota', 'demand', 'demand'],
  agents: [...Pool.plainAgents, ...Pool.specialAgents],
  mostAgents: 5,
  mostFrameworks: 5,
  plain: false,
}

const themes: Readonly<Record<string, Theme>> = {
  'shares fairly': plain,
  'gives reservations, volumes and revocable resources to whom they are for': {
    ...plain,
    plain: false,
    kinds: [...events, ...conversions],
    agents: Pool.specialAgents,
  },
  'keeps guarantees and limits': {
    ...plain,
    kinds: [...events, 'quota', 'quota', 'quota', 'convertFree'],
    agents: [...Pool.plainAgents, ...Pool.specialAgents.slice(0, 2), ...Pool.specialAgents.slice(4, 5)],
  },
  'offers what is wanted': {
    ...plain,
    plain: false,
    kinds: [...events, 'demand', 'demand', 'demand', 'demand', 'accept', 'accept'],
    isByDemand: true,
    roles: ['a', 'a/b', 'b'],
    mostFrameworks: 3,
    agents: [...Pool.plainAgents, ...Pool.specialAgents],
  },
  'waits for the tick when told so': { ...everything, mostAgents: 3, allocateOnRelease: [false] },
  'does all of this together': { ...everything, allocateOnRelease: [true, true, false] },
}

const amount = fc.nat(63)
const stepOf = (kinds: readonly StepKind[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constantFrom(...kinds), x: amount, y: amount, z: amount })
const list = (of: fc.Arbitrary<Step>, minLength: number, maxLength: number) =>
  fc.array(of, { minLength, maxLength, size: 'max' })

/** A cluster of a few agents and frameworks, and what happens to it. */
function historyOf({ kinds, isByDemand }: Theme): fc.Arbitrary<Step[]> {
  const parts = [
    list(stepOf(['framework']), 1, 3),
    list(stepOf(['demand']), isByDemand ? 2 : 0, isByDemand ? 8 : 0),
    list(stepOf(['agent']), 1, 3),
    list(stepOf(kinds), 0, 60),
  ]
  return fc.tuple(...parts).map(steps => steps.flat())
}

function settingsOf({ allocateOnRelease }: Theme): fc.Arbitrary<AllocatorSettings> {
  return fc.record({
    allocationIntervalMs: fc.constant(1000),
    allocateOnRelease: fc.constantFrom(...allocateOnRelease),
    minAllocatable: fc.constantFrom(...Pool.minima.slice(0, 3)),
    fairnessExcluded: fc.constantFrom(new Set<string>(), new Set(['gpus']), new Set(['cpus'])),
    demandAware: fc.constantFrom(true, true, true, false),
    sorter: fc.constant('drf' as const),
    seed: fc.constant(1),
  })
}

describe('the allocator decides as its reference model does, and', function () {
  this.timeout(600_000)
  let steps = 0

  for (const [name, theme] of Object.entries(themes)) {
    it(name, () => {
      let last: World | undefined
      const history = fc.property(settingsOf(theme), historyOf(theme), (settings, happens) => {
        const world = (last = new World(settings, new Allocator(settings), theme))
        for (const step of happens) if (world.take(step)) steps += 1
      })
      const result = fc.check(history, { seed, numRuns: theme.runs })
      if (!result.failed) return
      const [settings] = result.counterexample ?? []
      // The shortest history that fails, once more for its log.
      try {
        fc.assert(history, { seed, path: result.counterexamplePath ?? '', endOnFailure: true })
      } catch {
        // It is told below.
      }
      throw new Error(
        [
          result.errorInstance instanceof Error ? (result.errorInstance.stack ?? '') : '',
          `with ${settingsText(settings)}`,
          ...(last?.log ?? []),
          `TENDER_PROPERTY_SEED=${seed}, path ${result.counterexamplePath}`,
        ].join('\n'),
      )
    })
  }

  it('has been asked often enough', () => {
    expect(steps).to.be.at.least(stepsAtLeast)
  })
})

function settingsText(settings: AllocatorSettings | undefined): string {
  return JSON.stringify(settings, (_key, value: unknown) =>
    value instanceof Map ? Object.fromEntries(value) : value instanceof Set ? [...value] : value,
  )
}
