import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readScenarios } from '../../../cli/simulate/scenario-file.js'
import { ScenarioFileError } from '../../../cli/simulate/scenario-file-error.js'

const agent = '- agent: { id: a1, resources: "cpus:2" }'
const framework = '- framework: { id: f1, roles: [r1] }'

/** A scenario of these steps, one a line from line 2 on; agent a1 and framework f1 are there. */
function withSteps(...steps: string[]): string {
  return ['steps:', agent, framework, ...steps].join('\n')
}

function lastValue(...steps: string[]): unknown {
  return readScenarios('s.yaml', withSteps(...steps))[0]?.steps.at(-1)?.value
}

function problem(text: string): string {
  try {
    readScenarios('s.yaml', text)
    return 'none'
  } catch (error) {
    if (error instanceof ScenarioFileError) return error.message
    throw error
  }
}

describe('a scenario file', () => {
  it('is one or several documents, with or without name and settings', () => {
    const text = `name: first\nsettings: { offerTimeoutMs: null, seed: 7 }\nsteps: []\n---\nsteps:\n- forget: true\n---\n# nothing\n`
    const scenarios = readScenarios('s.yaml', text)
    expect(scenarios.map(({ name }) => name)).to.deep.equal(['first', 's.yaml (2)'])
    expect(scenarios[0]?.settings).to.include({ offerTimeoutMs: null, seed: 7, demandAware: undefined })
    expect(scenarios[1]?.steps).to.deep.equal([{ kind: 'forget', line: 6, value: true, written: true }])
  })

  it('may be JSON', () => {
    const scenario = { name: 'j', steps: [{ agent: { id: 'a1', resources: 'cpus:2' } }] }
    expect(readScenarios('s.json', JSON.stringify(scenario))[0]?.steps[0]).to.deep.include({
      kind: 'agent',
      value: {
        id: 'a1',
        resources: 'cpus:2',
        attributes: {},
        domain: undefined,
        hostname: undefined,
        used: [],
      },
    })
  })

  it('needs no quotes around names that look like numbers, nor around attributes that look like truth', () => {
    const value = lastValue(
      `- agent: { id: 007, resources: "", attributes: { rack: 12, gpu: true, zone: a } }`,
    )
    expect(value).to.deep.include({ id: '007', attributes: { rack: 12, gpu: 'true', zone: 'a' } })
  })

  it('may repeat a part by an alias', () => {
    const text = withSteps('- expect: &all [ { agent: a1 } ]', '- expect: *all')
    const [, , one, two] = readScenarios('s.yaml', text)[0]?.steps ?? []
    expect(one?.value).to.deep.equal(two?.value)
  })

  const durations = {
    '250ms': 250,
    '1s': 1000,
    '1.1s': 1100,
    '5m': 300_000,
    '2h': 7_200_000,
    '1d': 86_400_000,
    '0': 0,
  }
  for (const [text, ms] of Object.entries(durations)) {
    it(`reads ${text} as a duration`, () => {
      expect(lastValue(`- advance: ${text}`)).to.equal(ms)
    })
  }

  it('takes none for a filter of no time, all for every role, and a bare id', () => {
    expect(lastValue('- decline: { framework: f1, refuse: none }')).to.include({ refuse: 0 })
    expect(lastValue('- decline: { framework: f1 }')).to.include({ refuse: undefined, offers: undefined })
    expect(lastValue('- revive: { framework: f1, roles: all }')).to.deep.equal({
      framework: 'f1',
      roles: undefined,
    })
    expect(lastValue('- removeAgent: a1')).to.deep.equal(lastValue('- removeAgent: { id: a1 }'))
    expect(lastValue('- drain: a1')).to.deep.equal({ id: 'a1', grace: undefined })
  })

  it('reads launches and operations', () => {
    const value = lastValue(
      '- accept: { framework: f1, operations: [ { reserve: "cpus:1" } ], launch: [ { resources: "cpus:1" } ] }',
    )
    expect(value).to.deep.include({
      operations: [{ kind: 'reserve', resources: 'cpus:1' }],
      launch: [{ task: undefined, resources: 'cpus:1', agent: undefined }],
    })
    expect(lastValue('- accept: { framework: f1, launch: all }')).to.include({ launch: 'all' })
  })

  it('reads constraints: groups by role, a list of groups, and one group', () => {
    const rack = { selector: { kind: 'attribute', name: 'rack' }, predicate: { kind: 'equals', text: 'r1' } }
    const host = { selector: { kind: 'hostname' }, predicate: { kind: 'matches', text: 'db-.*' } }
    const of = (text: string) =>
      (
        lastValue(`- framework: { id: f1, roles: [r1], offerConstraints: ${text} }`) as Record<
          string,
          unknown
        >
      )['offerConstraints']
    const [r, h] = ['{ attribute: rack, equals: r1 }', '{ hostname: true, matches: "db-.*" }']
    expect(of(`{ r1: [ [ ${r} ], [ ${h} ] ] }`)).to.deep.equal({ r1: [[rack], [host]] })
    expect(of(`[ [ ${r} ], [ ${h} ] ]`)).to.deep.equal([[rack], [host]])
    expect(of(`[ ${r}, ${h} ]`)).to.deep.equal([[rack, host]])
    expect(of(`[ { attribute: gpu, exists: false } ]`)).to.deep.equal([
      [{ selector: { kind: 'attribute', name: 'gpu' }, predicate: { kind: 'exists', exists: false } }],
    ])
  })

  it('lets an expectation name what comes later, and a share of none whoever never comes', () => {
    expect(problem(`steps:\n- expect: { counts: { f1: 0 } }\n${framework}`)).to.equal('none')
    expect(problem('steps:\n- expectShares: { f9@r1: none }')).to.equal('none')
  })

  it('leaves to the cluster what it is expected to refuse', () => {
    const expected = '- expectError: any'
    expect(problem(withSteps('- weight: { role: r1, weight: 0 }', expected))).to.equal('none')
    expect(problem(withSteps('- framework: { id: f2, roles: [a//b] }', expected))).to.equal('none')
  })
})

describe('a wrong scenario file', () => {
  const wrong: [title: string, text: string, message: string][] = [
    ['no scenario', '# nothing', 's.yaml:1: a file holds scenarios, got none'],
    [
      'no YAML',
      'steps: [',
      `s.yaml:1: Flow sequence in block collection must be sufficiently indented and end with a ]`,
    ],
    ['a list', '- 1', 's.yaml:1: scenario must be a map of name, settings, steps, got a list of 1'],
    [
      'an unknown key of a scenario',
      'nam: x\nsteps: []',
      "s.yaml:1: scenario: unknown key 'nam'; allowed: name, settings, steps",
    ],
    ['no steps', 'name: x', "s.yaml:1: scenario: 'steps' is missing; allowed: name, settings, steps"],
    [
      'an unknown setting',
      'settings:\n  seeed: 1\nsteps: []',
      "s.yaml:2: settings: unknown key 'seeed'; allowed: allocationIntervalMs, allocateOnRelease, offerTimeoutMs, minAllocatable, fairnessExcluded, demandAware, seed, sorter",
    ],
    [
      'a wrong setting',
      'settings:\n  sorter: fair\nsteps: []',
      "s.yaml:2: settings: 'sorter' must be one of drf, random, got 'fair'",
    ],
    [
      'a wrong timeout',
      'settings: { offerTimeoutMs: 5s }\nsteps: []',
      "s.yaml:1: settings: 'offerTimeoutMs' must be a whole number of 1 or more, or null, got '5s'",
    ],
    [
      'a minimum that is no quantity',
      'settings: { minAllocatable: "cpus:0.01|mem:[1-2]" }\nsteps: []',
      "s.yaml:1: settings: 'minAllocatable' must be names and numbers to 0.001 such as 'cpus:2;mem:1024', joined by '|' (or), got 'cpus:0.01|mem:[1-2]'",
    ],
    [
      'an unknown key of a step',
      withSteps('- framework:\n    id: f2\n    rolls: [r1]'),
      "s.yaml:6: step 'framework': unknown key 'rolls'; allowed: id, roles, suppressed, active, capabilities, minAllocatable, offerConstraints",
    ],
    [
      'a missing field',
      withSteps('- framework: { id: f2 }'),
      "s.yaml:4: step 'framework': 'roles' is missing; allowed: id, roles, suppressed, active, capabilities, minAllocatable, offerConstraints",
    ],
    [
      'a key that comes twice',
      withSteps('- weight:', '    role: r1', '    role: r2'),
      "s.yaml:6: key 'role' is given twice, first on line 5",
    ],
    [
      'two steps in one',
      withSteps('- { forget: true, allocate: true }'),
      "s.yaml:4: scenario: 'steps[2]' must be a step, a map of one key, got a map of forget, allocate",
    ],
    [
      'an unknown framework',
      withSteps('- accept: { framework: f2 }'),
      "s.yaml:4: step 'accept': 'framework' must be one of the scenario's frameworks (f1), got 'f2'",
    ],
    [
      'a framework of a later step',
      `steps:\n- revive: { framework: f1 }\n${framework}`,
      "s.yaml:2: step 'revive': 'framework' must be one of the scenario's frameworks (none so far), got 'f1'",
    ],
    [
      'an unknown agent',
      withSteps('- decline: { framework: f1, offers: [a1, a2] }'),
      "s.yaml:4: step 'decline': 'offers[1]' must be one of the scenario's agents (a1), got 'a2'",
    ],
    [
      'an expectation of an unknown framework',
      withSteps('- expect: [ { framework: f1 },', '    { framework: f2 } ]'),
      "s.yaml:5: step 'expect': '[1].framework' must be one of the scenario's frameworks (f1), got 'f2'",
    ],
    [
      'a sum of an unknown framework',
      withSteps('- expect: { total: { f2: "" } }'),
      "s.yaml:4: step 'expect': total: unknown framework 'f2'; known: f1",
    ],
    [
      'a share of an unknown framework',
      withSteps('- expectShares: { f2@r1: 0.5 }'),
      "s.yaml:4: step 'expectShares': unknown framework 'f2'; known: f1",
    ],
    [
      'an id that is none',
      withSteps('- agent: { id: a.1, resources: "" }'),
      "s.yaml:4: step 'agent': 'id' must be an id of letters, digits, _ and -, at most 63, got 'a.1'",
    ],
    [
      'resources that are none',
      withSteps('- expectFree: { agent: a1, resources: "cpus:x" }'),
      "s.yaml:4: step 'expectFree': resources: resources 'cpus:x', position 6: a scalar is a number of 0 or more with up to 3 decimals, got 'x'",
    ],
    [
      'a field without a value',
      withSteps('- expectFree:', '    resources:'),
      "s.yaml:5: step 'expectFree': 'resources' must be text, got nothing",
    ],
    [
      'a quota of ranges',
      withSteps('- quota: { role: r1, limit: "ports:[1-2]" }'),
      "s.yaml:4: step 'quota': 'limit' must be names and numbers to 0.001 such as 'cpus:2;mem:1024', got 'ports:[1-2]'",
    ],
    [
      'a quota that names a resource twice',
      withSteps('- quota: { role: r1, limit: "cpus:1;cpus:2" }'),
      "s.yaml:4: step 'quota': 'limit' must be names and numbers to 0.001 such as 'cpus:2;mem:1024', each name once, got 'cpus:1;cpus:2'",
    ],
    [
      'a duration without a unit',
      withSteps('- advance: 5'),
      "s.yaml:4: step 'advance' must be a duration of whole milliseconds such as 250ms, 1s, 5m, 2h, 1d or 0, got '5'",
    ],
    [
      'a weight of nothing',
      withSteps('- weight: { role: r1, weight: 0 }'),
      "s.yaml:4: step 'weight': 'weight' must be a number above 0, got '0'",
    ],
    [
      'a role that is none',
      withSteps('- weight: { role: a//b, weight: 1 }'),
      "s.yaml:4: step 'weight': 'role' must be a role: a role's parts between '/' must not be empty, got 'a//b'",
    ],
    [
      'the role * without quotes',
      withSteps('- framework: { id: f2, roles: [*] }'),
      's.yaml:4: Alias cannot be an empty string; the role * is written in quotes: "*"',
    ],
    [
      'an unknown capability',
      withSteps('- framework: { id: f2, roles: [r1], capabilities: [gpus] }'),
      "s.yaml:4: step 'framework': 'capabilities[0]' must be one of gpu, revocable, shared, refinement, region, got 'gpus'",
    ],
    [
      'an operation that is none',
      withSteps('- accept: { framework: f1, operations: [ { reserv: "cpus:1" } ] }'),
      "s.yaml:4: step 'accept': 'operations[0]' must be a map of one of reserve, unreserve, create, destroy, got a map of reserv",
    ],
    [
      'a nested unknown key',
      withSteps('- agent: { id: a2, resources: "", used: [ { frame: f1 } ] }'),
      "s.yaml:4: step 'agent': used[0]: unknown key 'frame'; allowed: framework, role, resources, task",
    ],
    [
      'a constraint of two selectors',
      withSteps(
        '- framework: { id: f1, roles: [r1], offerConstraints: [ { hostname: true, zone: true, equals: x } ] }',
      ),
      "s.yaml:4: step 'framework': offerConstraints[0]: a constraint names one of attribute, hostname, region, zone, got hostname, zone",
    ],
    [
      'a constraint without a predicate',
      withSteps('- framework: { id: f1, roles: [r1], offerConstraints: { r1: [ [ { attribute: x } ] ] } }'),
      "s.yaml:4: step 'framework': offerConstraints.r1[0][0]: a constraint names one of exists, equals, notEquals, matches, notMatches, got none",
    ],
    [
      'an expectation that says nothing',
      withSteps('- expect: none'),
      "s.yaml:4: step 'expect' must be a list of offers, nothing, or a map of total, counts, oneOf, got 'none'",
    ],
    ['forget that is not true', withSteps('- forget: no'), "s.yaml:4: step 'forget' must be true, got 'no'"],
  ]
  for (const [title, text, message] of wrong) {
    it(`is told: ${title}`, () => {
      expect(problem(text)).to.equal(message)
    })
  }

  it('is told: an unknown step, and all that there are', () => {
    expect(problem(withSteps('- acept: { framework: f1 }'))).to.match(
      /^s\.yaml:4: unknown step 'acept'; allowed: agent, removeAgent, framework, .*, expectError$/,
    )
  })
})
