import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

describe('what frameworks say of themselves', () => {
  let rig: MasterRig
  const infoOf = (fields: object) => ({ frameworkId: 'web', name: 'web', roles: ['prod', 'test'], ...fields })

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024', { attributes: { rack: 'r1' } })
    rig.framework('web', { roles: ['prod', 'test'] })
    rig.agent('a2', 'cpus:4;mem:1024')
  })

  const wrong: [name: string, fields: any, code: string, message: RegExp][] = [
    [
      'a minimum that cannot be read',
      { minAllocatable: 'cpus:1;mem=2' },
      'invalid-framework',
      /^minAllocatable: resources 'cpus:1;mem=2', position \d+: /,
    ],
    [
      'a minimum for a role that it is not in',
      { minAllocatable: { eng: 'cpus:1' } },
      'invalid-framework',
      /role eng: roles must be among/,
    ],
    [
      'constraints for a role that it is not in',
      { offerConstraints: { eng: [] } },
      'invalid-constraints',
      /role eng: roles must be among/,
    ],
    [
      'a constraint without a selector',
      { offerConstraints: { prod: [[{ exists: true }]] } },
      'invalid-constraints',
      /exactly one selector/,
    ],
    [
      'a constraint with two predicates',
      { offerConstraints: { prod: [[{ hostname: true, equals: 'a', exists: true }]] } },
      'invalid-constraints',
      /exactly one predicate/,
    ],
    [
      'a pattern that is none',
      { offerConstraints: { prod: [[{ hostname: true, matches: '(' }]] } },
      'invalid-constraints',
      /RE2/,
    ],
    [
      'a demand in a role that it is not in',
      { demands: [{ role: 'eng', shapes: [] }] },
      'invalid-demand',
      /own roles \(prod, test\), got eng/,
    ],
    [
      'a demand for nothing',
      { demands: [{ role: 'prod', shapes: [{ count: 1, resources: {} }] }] },
      'invalid-demand',
      /role prod, shape 1: resources must hold something/,
    ],
    [
      'a demand with a zero',
      { demands: [{ role: 'prod', shapes: [{ count: 1, resources: { cpus: 1, mem: 0 } }] }] },
      'invalid-demand',
      /amounts must be above 0, got mem: 0/,
    ],
    [
      'a demand with a key that is none',
      { demands: [{ role: 'prod', shapes: [{ count: 1, resources: { 'cpus(': 1 } }] }] },
      'invalid-demand',
      /./,
    ],
  ]
  for (const [name, fields, code, message] of wrong) {
    it(`refuses ${name}`, () => {
      const reply = rig.framework('bad', { roles: ['prod', 'test'], ...fields })
      expect(reply).to.include({ ok: false, code })
      expect(reply?.message).to.match(message)
    })
  }

  it('keeps the offers that stand when it says something new of itself', () => {
    const offers = rig.offersTo('web')
    const reply = rig.call('web', 'update', {
      framework: infoOf({ name: 'new name', capabilities: ['shared'] }),
      suppressedRoles: ['test'],
    })
    expect(reply).to.deep.equal({ ok: true })
    expect(rig.offersTo('web')).to.deep.equal(offers)
    expect(rig.state.frameworks[0]).to.deep.include({
      name: 'new name',
      capabilities: ['shared'],
      suppressedRoles: ['test'],
    })
    expect(rig.records.get('framework.web')?.value).to.deep.include({
      framework: infoOf({ name: 'new name', capabilities: ['shared'] }),
    })
  })

  it('loses the offers of a role that it leaves, and gets them in another one', () => {
    const [left, kept] = rig.offersTo('web')
    expect([left?.role, kept?.role]).to.deep.equal(['prod', 'test'])
    rig.call('web', 'update', { framework: infoOf({ roles: ['test'] }) })
    expect(rig.sent('framework web', 'rescind').flatMap(({ offerIds }) => offerIds)).to.deep.equal([
      left?.offerId,
    ])
    expect(rig.offered('web')).to.deep.equal(['a2 test: cpus:4;mem:1024', 'a1 test: cpus:4;mem:1024'])
  })

  it('refuses wrong news, and nothing has changed', () => {
    const before = rig.state
    expect(rig.call('web', 'update', { framework: infoOf({ roles: ['a//b'] }) })).to.include({
      ok: false,
      code: 'invalid-framework',
    })
    rig.registry = 'fails'
    expect(rig.call('web', 'update', { framework: infoOf({ name: 'new name' }) })).to.include({
      ok: false,
      code: 'registry-unavailable',
    })
    expect(rig.state).to.deep.equal(before)
  })

  it('is offered exactly what it wants, until it says that it has no demand', () => {
    for (const { offerId } of rig.offersTo('web'))
      rig.call('web', 'decline', {
        offerIds: [offerId],
        filter: { refuseMs: 0 },
        demands: [
          { role: 'prod', shapes: [{ count: 3, resources: { cpus: 1, mem: 10 } }] },
          { role: 'test', shapes: [] },
        ],
      })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:3;mem:30'])
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1;mem:10'))] })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;mem:20'])
    rig.call('web', 'demand', { demands: [{ role: 'prod' }, { role: 'test' }] })
    expect(rig.offered('web').length).to.be.greaterThan(1)
  })

  it('is offered once what has come back at once', () => {
    const inputs = rig.offersTo('web').map(({ offerId }) => {
      const body = { offerIds: [offerId], filter: { refuseMs: 0 } }
      return rig.inputOf({ kind: 'framework', id: 'web' }, 'decline', body)
    })
    const made = () => rig.events.filter(({ kind }) => kind === 'offer-made').length
    const before = made()
    rig.stepTogether(inputs)
    expect(rig.offersTo('web')).to.have.length(2)
    expect(made() - before).to.equal(2)
  })

  it('is subscribed once when it has asked again before the registry has written', () => {
    rig.registry = 'waits'
    const body = {
      framework: infoOf({ name: 'the web' }),
      startedAtMs: 0,
      received: { session: '', sequence: 0 },
    }
    for (let times = 0; times < 2; times++) rig.call('web', 'subscribe', body, 'subscribe-2')
    rig.writeNow()
    expect(rig.answerTo('subscribe-2')?.ok).to.equal(true)
    rig.call('web', 'reconcile', { tasks: [] })
    expect(rig.sent('framework web', 'resynchronise')).to.deep.equal([])
  })

  it('is offered only agents that meet its constraints', () => {
    rig.framework('picky', {
      roles: ['eng'],
      offerConstraints: { eng: [[{ attribute: 'rack', equals: 'r1' }]] },
    })
    for (const { offerId } of rig.offersTo('web')) rig.call('web', 'decline', { offerIds: [offerId] })
    expect(rig.offered('picky')).to.deep.equal(['a1 eng: cpus:4;mem:1024'])
  })
})
