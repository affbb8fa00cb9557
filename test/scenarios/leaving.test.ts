import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

const window = { startMs: 60_000, durationMs: 10_000 }

describe('agents that will not be there', () => {
  let rig: MasterRig
  const setWindow = (unavailability?: object) =>
    rig.operate({
      kind: 'set-maintenance',
      agentIds: ['a1'],
      ...(unavailability ? { unavailability: unavailability as typeof window } : {}),
    })
  const launch = (agentId = 'a1') =>
    rig.accept('web', agentId, {
      operations: [launchOf(taskOf(`t-${agentId}`, 'cpus:1'))],
      filter: { refuseMs: 3_600_000 },
    })

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
  })

  it('asks each framework that holds something there once to leave, and lets its offers stand', () => {
    const offers = rig.offersTo('web')
    setWindow(window)
    setWindow(window)
    expect(rig.inverseOffers('web')).to.deep.equal([
      {
        inverseOfferId: '1-i1',
        frameworkId: 'web',
        agentId: 'a1',
        hostname: 'a1',
        reason: 'maintenance',
        unavailability: window,
      },
    ])
    expect(rig.offersTo('web')).to.deep.equal(offers)
    expect(rig.state.agents[0]?.unavailability).to.deep.equal(window)
  })

  it('says in new offers when the agent will not be there', () => {
    setWindow(window)
    const offerIds = rig.offersTo('web').map(({ offerId }) => offerId)
    rig.call('web', 'decline', { offerIds, filter: { refuseMs: 0 } })
    expect(rig.offersTo('web').map(({ unavailability }) => unavailability)).to.deep.equal([window])
    // It held something all the time, so it is not asked again.
    expect(rig.inverseOffers('web')).to.have.length(1)
  })

  it('asks again when the window is another one, and not at all any more when there is none', () => {
    setWindow(window)
    setWindow({ startMs: 90_000 })
    setWindow()
    expect(
      rig.inverseOffers('web').map(({ inverseOfferId, unavailability }) => [inverseOfferId, unavailability]),
    ).to.deep.equal([
      ['1-i1', window],
      ['1-i2', { startMs: 90_000 }],
    ])
    expect(rig.sent('framework web', 'rescind-inverse-offers')).to.deep.equal([
      { inverseOfferIds: ['1-i1'], reason: 'the window has changed' },
      { inverseOfferIds: ['1-i2'], reason: 'the agent stays' },
    ])
    expect(rig.state.inverseOffers).to.deep.equal([])
  })

  it('asks who comes to hold something later, and takes it back when nothing is held any more', () => {
    rig.call('web', 'suppress', {})
    const offerIds = rig.offersTo('web').map(({ offerId }) => offerId)
    rig.call('web', 'decline', { offerIds, filter: { refuseMs: 0 } })
    setWindow(window)
    expect(rig.inverseOffers('web')).to.deep.equal([])
    rig.call('web', 'revive', {})
    expect(rig.inverseOffers('web')).to.have.length(1)
    launch()
    rig.call('web', 'suppress', {})
    rig.update('a1', { frameworkId: 'web', taskId: 't-a1', state: 'FINISHED' })
    expect(rig.sent('framework web', 'rescind-inverse-offers')).to.deep.equal([
      { inverseOfferIds: ['1-i1'], reason: 'nothing is held there any more' },
    ])
  })

  it('keeps the answer for operators to see', () => {
    setWindow(window)
    rig.call('web', 'answer-inverse-offers', { inverseOfferIds: ['1-i1'], answer: 'accept' })
    expect(
      rig.state.inverseOffers?.map(({ inverseOfferId, answer }) => [inverseOfferId, answer]),
    ).to.deep.equal([['1-i1', 'accepted']])
    expect(
      rig.call('web', 'answer-inverse-offers', { inverseOfferIds: ['1-i9'], answer: 'accept' }),
    ).to.deep.equal({
      ok: false,
      code: 'invalid-offer',
      message: 'inverse offer 1-i9 is not there (any more)',
    })
  })

  it('asks a framework that is there again', () => {
    launch()
    rig.send({ kind: 'framework', id: 'web' }, 'unsubscribe', {})
    setWindow(window)
    expect(rig.inverseOffers('web')).to.deep.equal([])
    rig.framework('web', { roles: ['prod'] })
    expect(rig.inverseOffers('web')).to.have.length(1)
  })

  it('drains: takes offers back, asks to leave, and kills what is left after the grace', () => {
    launch()
    rig.call('web', 'clear-filters', {})
    const reply = rig.operate({ kind: 'drain', agentId: 'a1', graceMs: 5_000 })
    expect(reply?.result).to.deep.equal({
      changes: [
        { subject: 'agent a1', field: 'condition', from: 'active', to: 'draining' },
        { subject: 'agent a1', field: 'drainEndsAtMs', to: '5000' },
      ],
    })
    expect(rig.offered('web')).to.deep.equal([])
    expect(
      rig.inverseOffers('web').map(({ reason, unavailability }) => [reason, unavailability]),
    ).to.deep.equal([['drain', { startMs: 5_000 }]])
    rig.advance(4_900)
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([])
    rig.advance(2_000)
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([{ frameworkId: 'web', taskId: 't-a1' }])
    rig.update('a1', { frameworkId: 'web', taskId: 't-a1', state: 'KILLED', reason: 'KILLED_BY_FRAMEWORK' })
    expect(
      rig.sent('framework web', 'update').map(({ status }) => [status.state, status.reason]),
    ).to.deep.equal([['KILLED', 'AGENT_DRAINING']])
    rig.advance(5_000)
    expect(rig.offered('web')).to.deep.equal([])
    rig.operate({ kind: 'reactivate', agentId: 'a1' })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;mem:1024'])
  })

  it('never kills by force without a grace, and not after the drain was ended', () => {
    launch()
    rig.operate({ kind: 'drain', agentId: 'a1' })
    rig.advance(100_000)
    rig.operate({ kind: 'drain', agentId: 'a1', graceMs: 5_000 })
    rig.operate({ kind: 'reactivate', agentId: 'a1' })
    rig.advance(100_000)
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([])
  })

  it('deactivates: takes offers back, and lets tasks go on', () => {
    launch()
    rig.call('web', 'clear-filters', {})
    rig.operate({ kind: 'deactivate', agentId: 'a1' })
    rig.agent('a1')
    rig.advance(2_000)
    expect([rig.offered('web'), rig.inverseOffers('web'), rig.sent('agent a1', 'kill')]).to.deep.equal([
      [],
      [],
      [],
    ])
    expect(rig.state.agents[0]).to.deep.include({ condition: 'deactivated', taskCount: 1 })
  })

  it('says when something is due by itself', () => {
    rig = new MasterRig({ offerTimeoutMs: 700 })
    expect(rig.master.nextDueMs()).to.equal(1_000)
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
    expect(rig.master.nextDueMs()).to.equal(700)
    rig.operate({ kind: 'drain', agentId: 'a1', graceMs: 300 })
    expect(rig.master.nextDueMs()).to.equal(300)
    rig.advance(300)
    expect(rig.master.nextDueMs()).to.equal(1_000)
    rig.advance(2_500)
    expect(rig.master.nextDueMs()).to.equal(3_000)
  })
})
