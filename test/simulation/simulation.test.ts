import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readFileSync } from 'node:fs'
import { breakages } from './breakages/breakages.js'
import { found } from './found/plans.js'
import { planOf } from './plan/plan.js'
import { runBreakages } from './runner/run-breakages.js'
import { runSeeds } from './runner/run-seeds.js'
import { shrink } from './runner/shrink.js'
import { simulate } from './simulation.js'

/** Of at least ten virtual minutes each. While one works on something else, fewer will do. */
const seeds = Number(process.env['TENDER_SIMULATION_SEEDS'] ?? (process.env['CI'] === 'true' ? 2_000 : 400))

describe('a simulated cluster', () => {
  it(`keeps all promises, by ${seeds} seeds`, async function () {
    this.timeout(1_200_000)
    const { failed, ...tally } = await runSeeds({ from: 1, seeds })
    const failures = failed.map(({ seed, failure }) => `seed ${seed}: ${failure.oracle}: ${failure.message}`)
    expect({ failures, seeds: tally.seeds }).to.deep.equal({ failures: [], seeds })
  })

  for (const { plan, was } of found) {
    it(`keeps them where once ${was}`, () => {
      expect(simulate(plan).failure).to.equal(undefined)
    })
  }

  it('does the same again with the same seed', () => {
    const lines = () => simulate(planOf(26), { isTraced: true }).lines
    expect(lines()).to.deep.equal(lines())
  })
})

describe('the check of the simulation', () => {
  it('makes its mistakes in texts that are there', () => {
    const places = breakages.map(({ name, file, find }) => ({
      name,
      places: readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').split(find).length - 1,
    }))
    expect(places.filter(each => each.places !== 1)).to.deep.equal([])
  })

  it('finds each deliberate mistake', async function () {
    this.timeout(600_000)
    const caught = await runBreakages(300)
    expect(caught.filter(({ seed }) => seed === undefined).map(({ name }) => name)).to.deep.equal([])
  })

  it('makes a plan that fails as small as it can', () => {
    const plan = planOf(8)
    const impossible = { resources: 'cpus:100', ports: 0, fromMs: 0, durationMs: 1_000, failures: 0 }
    const [batch] = plan.batches
    const facts = { frameworkId: 'hopeless', role: '*', usesDemand: false, hopeless: 0 }
    const hopeless = { ...facts, jobs: [...(batch?.jobs ?? []), impossible] }
    const { plan: small, failure } = shrink({ ...plan, batches: [...plan.batches, hopeless] })
    expect({ oracle: failure?.oracle, faults: small.faults, batches: small.batches }).to.deep.equal({
      oracle: 'comes to rest',
      faults: [],
      batches: [{ ...facts, jobs: [impossible] }],
    })
  })
})
