import { expect } from 'chai'
import { describe, it } from 'mocha'
import { MasterWorld } from '../../../cli/simulate/master-world.js'
import { runScenario } from '../../../cli/simulate/run.js'
import { readScenarios } from '../../../cli/simulate/scenario-file.js'

/** Fails with what a person would read. */
function asExpected(text: string): void {
  const problems = readScenarios('s.yaml', text).flatMap(scenario => {
    const { failure } = runScenario(scenario, settings => new MasterWorld(settings))
    if (!failure) return []
    const { reason, step } = failure
    return [
      {
        line: step?.line,
        reason: typeof reason === 'string' ? reason : [reason.expected.lines, reason.got.lines],
      },
    ]
  })
  expect(problems).to.deep.equal([])
}

describe('a simulated cluster', () => {
  it('offers, launches, and returns the rest under a filter that ends by time', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:2;mem:1024;ports:[31000-31009]" }
  - framework: { id: f1, roles: [r1] }
  - expect: [ { framework: f1, role: r1, agent: a1, resources: "cpus:2;mem:1024;ports:[31000-31009]" } ]
  - accept: { framework: f1, launch: [ { task: t1, resources: "cpus:0.5;ports:[31000-31000]" } ] }
  - expectAllocated: { agent: a1, resources: "cpus:0.5;ports:[31000-31000]" }
  - expectOffered: { agent: a1, resources: "" }
  - advance: 4999ms
  - expect: nothing
  - advance: 1ms
  - expect: [ { resources: "cpus:1.5;mem:1024;ports:[31001-31009]" } ]
  - accept: { framework: f1, launch: [ { task: t1, resources: "cpus:0.5" } ] }
  - expectError: duplicate-task
  - expectOffered: { agent: a1, resources: "cpus:1.5;mem:1024;ports:[31001-31009]" }
`)
  })

  it('declines for a time that is told, for none, and only a part', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:2" }
  - framework: { id: f1, roles: [r1] }
  - decline: { framework: f1, refuse: 20s }
  - forget: true
  - advance: 19s
  - expect: nothing
  - advance: 1s
  - expect: [ { resources: "cpus:2" } ]
  - decline: { framework: f1, refuse: none }
  - expect: [ { resources: "cpus:2" } ]
  - decline: { framework: f1, resources: "cpus:0.5", refuse: 0s }
  - expect: [ { resources: "cpus:0.5" } ]
  - expectAllocated: { framework: f1, role: r1, resources: "cpus:1.5" }
`)
  })

  it('refuses an accept without offers and an agent that has none; a decline is harmless', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:2" }
  - agent: { id: a2, resources: "cpus:2" }
  - framework: { id: f1, roles: [r1] }
  - accept: { framework: f1, offers: [a1], launch: all }
  - accept: { framework: f1, offers: [a1, a2], launch: all }
  - expectError: invalid-offer
  - decline: { framework: f1, offers: [a1] }
  - expectError: invalid-offer
  - accept: { framework: f1, launch: [ { resources: "cpus:3" } ] }
  - expectError: insufficient-resources
  - expectOffered: { agent: a2, resources: "cpus:2" }
  - decline: { framework: f1 }
  - decline: { framework: f1 }
  - accept: { framework: f1 }
  - expectError: invalid-offer
`)
  })

  it('launches on the offers of several agents', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:2" }
  - agent: { id: a2, resources: "cpus:2" }
  - framework: { id: f1, roles: [r1] }
  - expect: { total: { f1: "cpus:4" }, counts: { f1: 2 } }
  - accept: { framework: f1, launch: [ { resources: "cpus:2", agent: a2 }, { resources: "cpus:1" } ], refuse: none }
  - expect: [ { agent: a1, resources: "cpus:1" } ]
  - expectFree: { resources: "" }
  - expectShares: { r1: 1, f1@r1: 1, f1@r2: none, r2: none }
`)
  })

  it('ends the tasks that a release names', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:8" }
  - framework: { id: f1, roles: [r1] }
  - accept: { framework: f1, launch: [ { resources: "cpus:1" }, { resources: "cpus:2", task: two }, { resources: "cpus:5" } ] }
  - forget: true
  - release: { framework: f1, agent: a1, resources: "cpus:4" }
  - expectError: unknown-task
  - release: { framework: f1, agent: a1, resources: "cpus:6" }
  - expectAllocated: { agent: a1, resources: "cpus:2" }
  - release: { framework: f1, agent: a1, task: two, role: r2 }
  - expectError: unknown-task
  - release: { framework: f1, agent: a1, task: two }
  - expectAllocated: { agent: a1, resources: "" }
`)
  })

  it('suppresses, unsuppresses, clears filters and revives', () => {
    asExpected(`
steps:
  - framework: { id: f1, roles: [r1, r2], suppressed: [r1] }
  - agent: { id: a1, resources: "cpus:2" }
  - expect: [ { role: r2 } ]
  - suppress: { framework: f1, roles: [r2] }
  - decline: { framework: f1, refuse: 1h }
  - unsuppress: { framework: f1, roles: [r2] }
  - expect: nothing
  - clearFilters: { framework: f1 }
  - expect: [ { role: r2 } ]
  - suppress: { framework: f1 }
  - decline: { framework: f1, refuse: 1h }
  - revive: { framework: f1, roles: [r2] }
  - expect: [ { role: r2 } ]
  - revive: { framework: f1, roles: [r3] }
  - expectError: unknown-role
`)
  })

  it('gives an offer that is not answered to nobody after its time, and tells', () => {
    const [scenario] = readScenarios(
      's.yaml',
      `
settings: { offerTimeoutMs: 1500 }
steps:
  - agent: { id: a1, resources: "cpus:2" }
  - framework: { id: f1, roles: [r1] }
  - suppress: { framework: f1 }
  - advance: 2s
`,
    )
    const told: string[] = []
    if (!scenario) throw new Error('no scenario')
    runScenario(
      scenario,
      settings => new MasterWorld(settings),
      ({ kind, atMs }) => told.push(`${kind} ${atMs}`),
    )
    expect(told).to.deep.equal(['offer 0', 'rescind 1500'])
  })

  it('loses frameworks and gets them back; one may be known and not there', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:2" }
  - framework: { id: f1, roles: [r1] }
  - accept: { framework: f1, launch: [ { resources: "cpus:1" } ], refuse: none }
  - framework: { id: f2, roles: [r2], active: false }
  - forget: true
  - deactivate: f1
  - expectAllocated: { framework: f1, resources: "cpus:1" }
  - expect: nothing
  - activate: f2
  - expect: [ { framework: f2, resources: "cpus:1" } ]
  - accept: { framework: f1 }
  - expectError: not-subscribed
  - decline: { framework: f2, refuse: 1h }
  - activate: f1
  - expect: [ { framework: f1, resources: "cpus:1" } ]
  - deactivate: f1
  - removeFramework: f1
  - expectAllocated: { agent: a1, resources: "" }
  - expectShares: { r1: none }
`)
  })

  it('registers agents with tasks, also of frameworks that have not come yet, and registers them again', () => {
    asExpected(`
steps:
  - agent: { id: a1, resources: "cpus:4", used: [ { framework: f1, role: r1, resources: "cpus:1", task: t1 } ] }
  - agent: { id: a2, resources: "cpus:0.5;mem:4", hostname: host2 }
  - expectShares: { r1: 0.222 }
  - framework: { id: f1, roles: [r1] }
  - expect: { total: { f1: "cpus:3.5;mem:4" } }
  - agent: { id: a1, resources: "cpus:3", used: [ { framework: f1, role: r1, resources: "cpus:1" } ] }
  - expectAllocated: { agent: a1, framework: f1, resources: "cpus:2" }
  - agent: { id: a1, resources: "cpus:3", used: [ { framework: f1, role: r1, resources: "cpus:1", task: t1 } ] }
  - expectError: duplicate-task
  - release: { framework: f1, agent: a1, task: t1 }
  - expectAllocated: { agent: a1, resources: "cpus:1" }
  - agent: { id: a3, resources: "" }
  - expectError: invalid-agent
`)
  })
})
