import { stripVTControlCharacters } from 'node:util'
import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { jsonReport, textReport } from '../../../cli/simulate/report.js'
import { type Failure, type Happening, runScenario } from '../../../cli/simulate/run.js'
import { readScenarios, type Scenario } from '../../../cli/simulate/scenario-file.js'
import { StepRefused, type World } from '../../../cli/simulate/world.js'
import { FakeWorld } from './fake-world.js'

function scenarioOf(...steps: string[]): Scenario {
  const start = ['- agent: { id: a1, resources: "cpus:2" }', '- framework: { id: f1, roles: [r1] }']
  const [scenario] = readScenarios('s.yaml', ['name: test', 'steps:', ...start, ...steps].join('\n'))
  if (!scenario) throw new Error('no scenario')
  return scenario
}

/** Runs these steps after an agent's and a framework's, which offers agent a1. */
function run(does: Partial<World>, ...steps: string[]) {
  const fake = new FakeWorld({ setFramework: () => fake.offer('a1'), ...does })
  const happenings: Happening[] = []
  const { failure } = runScenario(
    scenarioOf(...steps),
    () => fake.world,
    each => happenings.push(each),
  )
  return { failure, happenings, calls: fake.calls }
}

const refuse = () => {
  throw new StepRefused('invalid-quota', 'too much')
}

function reasonOf(failure: Failure | undefined): unknown {
  return typeof failure?.reason === 'string' || !failure ? failure?.reason : failure.reason.got.lines
}

describe('a run of a scenario', () => {
  it('counts an offer once, by the first expect after it', () => {
    expect(run({}, '- expect: [ { agent: a1 } ]', '- expect: nothing').failure).to.equal(undefined)
  })

  it('forgets what it is told to', () => {
    expect(run({}, '- forget: true', '- expect: nothing').failure).to.equal(undefined)
  })

  it('ends with the first expectation that is not met', () => {
    const { failure, calls } = run({}, '- expect: nothing', '- allocate: true')
    expect(failure).to.deep.include({ step: { number: 3, kind: 'expect', line: 5 }, atMs: 0 })
    expect(calls.filter(call => call.startsWith('tickNow'))).to.deep.equal([])
  })

  it('ends with a refusal that nobody expects', () => {
    const { failure } = run({ setQuota: refuse }, '- quota: { role: r1 }', '- forget: true')
    expect(reasonOf(failure)).to.equal('refused (invalid-quota): too much')
  })

  it('goes on after a refusal that the next step expects', () => {
    for (const code of ['any', 'invalid-quota']) {
      const { failure } = run({ setQuota: refuse }, '- quota: { role: r1 }', `- expectError: ${code}`)
      expect(failure).to.equal(undefined)
    }
  })

  it('ends when a refusal has another code, or does not come, or came before', () => {
    const other = run({ setQuota: refuse }, '- quota: { role: r1 }', '- expectError: unknown-role')
    expect(reasonOf(other.failure)).to.deep.equal(['invalid-quota: too much'])
    const none = run({}, '- quota: { role: r1 }', '- expectError: any')
    expect(reasonOf(none.failure)).to.deep.equal(['the step was not refused'])
    const twice = run(
      { setQuota: refuse },
      '- quota: { role: r1 }',
      '- expectError: any',
      '- expectError: any',
    )
    expect(reasonOf(twice.failure)).to.deep.equal(['the step was not refused'])
  })

  it('ends with a mistake of the program, even where a refusal is expected', () => {
    const setQuota = () => {
      throw new RangeError('below zero')
    }
    const { failure } = run({ setQuota }, '- quota: { role: r1 }', '- expectError: any')
    expect(reasonOf(failure)).to.match(/^RangeError: below zero\n +at /)
  })

  it('advances instant by instant, the end included', () => {
    const fake = new FakeWorld({ nextDueMs: () => (Math.floor(fake.nowMs / 1000) + 1) * 1000 })
    runScenario(scenarioOf('- advance: 2s', '- advance: 1500ms'), () => fake.world)
    expect(fake.calls.filter(call => call.startsWith('advance'))).to.deep.equal(
      [1000, 2000, 3000, 3500].map(ms => `advanceTo ${ms}`),
    )
  })

  it('compares shares to a thousandth, and none with what is not there', () => {
    const share = (role: string) => (role === 'r1' ? 1 / 3 : undefined)
    expect(run({ share }, '- expectShares: { r1: 0.333, f1@r2: none }').failure).to.equal(undefined)
    expect(reasonOf(run({ share }, '- expectShares: { r1: 0.335, r2: 0 }').failure)).to.deep.equal([
      '+ r1: 0.333333',
      '+ r2: none',
    ])
  })

  it('takes a series that is not there for 0, but not 0 for none', () => {
    const series = (value: number | string) =>
      `- expectMetric: { name: m, labels: { role: r1 }, value: ${value} }`
    expect(run({ metric: () => undefined }, series(0), series('none')).failure).to.equal(undefined)
    expect(reasonOf(run({ metric: () => 0 }, series('none')).failure)).to.deep.equal(['m{role="r1"} 0'])
    expect(reasonOf(run({ metric: () => undefined }, series(2)).failure)).to.deep.equal(['m{role="r1"} none'])
    expect(run({ metric: () => 2 }, series(2)).failure).to.equal(undefined)
  })

  it('compares orders, reasons and books', () => {
    const world: Partial<World> = {
      roleOrder: () => ['b', 'a'],
      frameworkOrder: role => [role, 'f1'],
      explain: () => 'filtered',
      free: () => Resources.parse('cpus:1'),
      offered: () => Resources.none,
      allocated: ({ agent, framework }) =>
        Resources.parse(agent === 'a1' && framework === 'f1' ? 'cpus:1' : ''),
    }
    const { failure } = run(
      world,
      '- expectOrder: { order: [b, a] }',
      '- expectOrder: { role: r1, order: [r1, f1] }',
      '- expectExplain: { framework: f1, agent: a1, reason: filtered }',
      '- expectFree: { agent: a1, resources: "cpus:1.0" }',
      '- expectOffered: { agent: a1, resources: "" }',
      '- expectAllocated: { agent: a1, framework: f1, resources: "cpus:1" }',
    )
    expect(failure).to.equal(undefined)
    expect(reasonOf(run(world, '- expectOrder: { order: [a, b] }').failure)).to.deep.equal(['b, a'])
  })

  it('does not begin with settings that the world cannot have', () => {
    const makeWorld = () => {
      throw new Error('no such sorter')
    }
    expect(runScenario(scenarioOf(), makeWorld).failure?.reason).to.equal('settings: no such sorter')
  })
})

describe('the report of a run', () => {
  function reported(kind: 'json' | 'text', options: { explain: boolean }, ...steps: string[]): string[] {
    const lines: string[] = []
    const print = (line: string) => lines.push(line)
    const report = kind === 'json' ? jsonReport(print, options) : textReport(print, options)
    const scenario = scenarioOf(...steps)
    const fake = new FakeWorld({ setFramework: () => fake.offer('a1'), setQuota: refuse })
    fake.events.push({ kind: 'skip', atMs: 0, framework: 'f1', role: 'r1', agent: 'a1', reason: 'no-demand' })
    const outcome = runScenario(
      scenario,
      () => fake.world,
      each => report.happened(scenario, each),
    )
    report.ended(outcome)
    report.sum([outcome])
    return lines.map(stripVTControlCharacters)
  }

  it('is a line for a scenario, and a sum', () => {
    expect(reported('text', { explain: false })).to.deep.equal(['✓ test', '1 scenario, all as expected'])
  })

  it('shows for people what was expected and what came', () => {
    expect(reported('text', { explain: false }, '- expect: nothing')).to.deep.equal([
      '✗ test',
      "  s.yaml:5: step 3 'expect' at 0s",
      '  expected:',
      '      nothing',
      '  got:',
      '    + framework f1, role r1, agent a1: cpus:1',
      '1 scenario, 1 failed',
    ])
  })

  it('tells a refusal', () => {
    expect(reported('text', { explain: true }, '- quota: { role: r1 }')).to.deep.equal([
      '✗ test',
      '  step 1, 0s: no offer to framework f1, role r1, agent a1: no-demand',
      '  step 2, 0s: offer to framework f1, role r1, agent a1: cpus:1',
      '  step 3, 0s: refused (invalid-quota): too much',
      "  s.yaml:5: step 3 'quota' at 0s: refused (invalid-quota): too much",
      '1 scenario, 1 failed',
    ])
  })

  it('is a line of JSON for each event', () => {
    const steps = ['- expect: [ { agent: a1 } ]', '- quota: { role: r1 }', '- expectError: any']
    const lines = reported('json', { explain: true }, ...steps).map(line => JSON.parse(line))
    const of = { scenario: 'test', file: 's.yaml' }
    const offer = { framework: 'f1', role: 'r1', agent: 'a1', resources: 'cpus:1' }
    expect(lines).to.deep.equal([
      {
        step: 1,
        atMs: 0,
        kind: 'skip',
        framework: 'f1',
        role: 'r1',
        agent: 'a1',
        reason: 'no-demand',
        ...of,
      },
      { step: 2, atMs: 0, kind: 'offer', ...offer, ...of },
      { step: 3, atMs: 0, kind: 'expect', ok: true, expected: [{ agent: 'a1' }], got: [offer], ...of },
      { step: 4, atMs: 0, kind: 'error', code: 'invalid-quota', message: 'too much', ...of },
      { step: 5, atMs: 0, kind: 'expect', ok: true, expected: 'any', got: 'invalid-quota', ...of },
    ])
    expect(reported('json', { explain: false })).to.have.lengthOf(1)
  })
})
