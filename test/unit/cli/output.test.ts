import { stripVTControlCharacters } from 'node:util'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { changesText } from '../../../cli/output/changes.js'
import { explanationText } from '../../../cli/output/explanation.js'
import { instantText, quantitiesText } from '../../../cli/output/text.js'
import { explanationOf } from '../../support/master-views.js'

describe('what the command line prints', () => {
  it('of changes: a line for each thing that has changed', () => {
    const changes = [
      { subject: 'role web', field: 'guarantee', to: 'cpus:2' },
      { subject: 'role web', field: 'limit', from: 'cpus:4' },
      { subject: 'agent a1', field: 'condition', from: 'active', to: 'draining' },
    ]
    expect(changesText({ changes })).to.equal(
      'role web: guarantee none -> cpus:2, limit cpus:4 -> none\nagent a1: condition active -> draining',
    )
  })

  it('of changes in time: as people write it', () => {
    const startMs = Date.UTC(2030, 0, 31, 22)
    const changes = [
      { subject: 'agent a1', field: 'drainEndsAtMs', to: String(startMs) },
      { subject: 'agent a2', field: 'unavailability', from: `startMs ${startMs}, durationMs 1800000` },
    ]
    expect(changesText({ changes })).to.equal(
      'agent a1: drainEndsAt none -> 2030-01-31T22:00:00Z\n' +
        'agent a2: unavailability from 2030-01-31T22:00:00Z, for 30m00s -> none',
    )
  })

  it('when nothing has changed', () => {
    expect(changesText({ changes: [] })).to.equal('Nothing has changed: it was so already.')
  })

  it('of an explanation: for each role the funnel, and the advice', () => {
    const text = stripVTControlCharacters(explanationText(explanationOf('service', ['a', 'eng/web'])))
    const [first, second] = text.split('\n\n')
    expect(first?.split('\n').map(line => line.replaceAll(/ {2,}/g, ' | '))).to.deep.equal([
      'Framework service, role a: 2 agents',
      'AGENTS | REASON | MEANING | FOR EXAMPLE',
      ' | 1 | below-minimum | what is left is less than the minimum | agent-2 (agent-2.example): cpus:0.005 is free, and the minimum is cpus:0.01',
      ' | 1 | filtered | the framework has refused it, and its filter holds | agent-1 (agent-1.example): refused 2 s ago, for another 3 s',
      'Advice: revive role a, or wait for 3 s',
    ])
    expect(second).to.match(/^Framework service, role eng\/web: 2 agents\n/)
  })

  it('of an explanation without roles, and of a cluster without agents', () => {
    expect(explanationText({ frameworkId: 'x', roles: [] })).to.equal(
      'Framework x is in no role, so that it has no offers.',
    )
    const none = { role: 'a', agentCount: 0, funnel: [], agents: [], advice: 'start an agent' }
    expect(explanationText({ frameworkId: 'x', roles: [none] })).to.equal(
      'Framework x, role a: 0 agents\nAdvice: start an agent',
    )
  })

  it('of quantities and times', () => {
    expect([quantitiesText({ mem: 0, cpus: 1.5 }), quantitiesText(undefined)]).to.deep.equal([
      'cpus:1.5;mem:0',
      '-',
    ])
    expect(instantText(Date.UTC(2030, 0, 31, 22))).to.equal('2030-01-31T22:00:00Z')
  })
})
