import { expect } from 'chai'
import { describe, it } from 'mocha'
import { spreadMs } from '#sdk/scheduler/spread.js'
import { DriverRig, session } from './driver-rig.js'

const stale = { ok: false, code: 'stale-offer', message: 'an earlier leader made it' } as const
const outcome = (...oks: boolean[]) => ({
  ok: true,
  result: {
    tasks: oks.map((ok, index) => ({ taskId: `t${index + 1}`, ok, ...(ok ? {} : { code: 'stale-offer' }) })),
  },
})
const one = { cpus: 1 }
const wanting = (count: number, role = 'a') => ({ role, shapes: [{ count, resources: one }] })
const tasks = (rig: DriverRig) =>
  rig.sent.filter(({ kind }) => kind === 'reconcile').map(({ body }) => (body as { tasks: object[] }).tasks)
const demands = (rig: DriverRig) => rig.sent.filter(({ kind }) => kind === 'demand').map(({ body }) => body)

describe('an accept whose leader has gone', () => {
  it('says whose the offers are, so that the next leader can find out what became of it', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'])
    expect(rig.sent[0]?.body).to.include({ agentId: 'a1' })
    rig.failOver(2)
    expect(rig.sent.find(({ call }) => call === 'c1')?.body).to.include({ agentId: 'a1' })
  })

  it('is not asked about before it is answered; then only for what was launched', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1', 't2'])
    rig.failOver(2)
    expect(rig.answer(`${session}-reconcile-2`)).to.deep.equal([])
    expect(rig.answer('c1', outcome(true, false))).to.deep.equal(['settle c1 ok'])
    rig.failOver(3)
    rig.answer(`${session}-reconcile-3`)
    expect(tasks(rig)).to.deep.equal([[{ taskId: 't1', agentId: 'a1' }]])
  })

  it('leaves no offer standing when it is refused as stale', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'], { allOrNothing: true })
    expect(rig.answer('c1', stale)).to.deep.equal(['settle c1 stale-offer'])
    expect(rig.hear('rescind', { offerIds: ['o1'], reason: 'expired' })).to.deep.equal([])
  })

  it('is asked about by name when no answer came at all, until each task was heard of', () => {
    const rig = DriverRig.subscribed()
    rig.answer(`${session}-reconcile-1`)
    rig.accept(['t1', 't2'])
    expect(rig.during(60_000, /settle|reconcile/)).to.deep.equal([
      [60_000, 'settle c1 timeout'],
      [60_000, `send reconcile ${session}-own-1`],
    ])
    rig.hearAnswer('RUNNING', 't1')
    expect(rig.during(2_000, /reconcile/)).to.have.length(1)
    expect(rig.hearAnswer('GONE', 't2')).to.deep.equal(['event update t2 - GONE'])
    expect(rig.during(60_000, /reconcile/)).to.deep.equal([])
  })
})

describe('what was declared to a leader that has gone', () => {
  it('is said once more when it was done before the subscription that replaced it', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.accept(['t1', 't2'])
    rig.failOver(2)
    rig.answer('c1', outcome(true, false))
    expect(demands(rig)).to.deep.equal([{ demands: [wanting(2)] }])
    expect(rig.resubscription()).to.deep.include({ demands: [wanting(2)] })
  })

  it('is not, when it was done after it', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.accept(['t1'])
    rig.answer('c1', outcome(true))
    expect(demands(rig)).to.deep.equal([])
  })

  it('is said once more also when a demand was withdrawn', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.call('c1', 'demand', { demands: [{ role: 'a' }] })
    rig.failOver(2)
    rig.answer('c1')
    expect(demands(rig)).to.deep.equal([{ demands: [{ role: 'a' }] }])
  })

  it('is said to the new one when that has only looked what became of an accept', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.hearOffers('o1')
    rig.step({ kind: 'beacon', epoch: 2 })
    const launch = { kind: 'launch', tasks: [{ taskId: 't1', resources: one }] }
    rig.call('c1', 'accept', { offerIds: ['o1'], operations: [launch], demands: [wanting(2)] })
    rig.failOver(2)
    rig.answer('c1', outcome(false))
    expect(demands(rig)).to.deep.equal([{ demands: [wanting(2)] }])
  })

  it('is said once more when the leader takes it after the framework has asked to subscribe again', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.call('c1', 'demand', { demands: [wanting(4)] })
    rig.hear('resynchronise', { reason: 'a message of the framework was lost' })
    rig.answer('c1')
    rig.takeSubscription(2)
    expect(demands(rig)).to.deep.equal([{ demands: [wanting(4)] }])
  })

  it('is left to a newer declaration that is under way', () => {
    const rig = DriverRig.subscribed({ demands: [wanting(3)] })
    rig.call('c1', 'demand', { demands: [wanting(4)] })
    rig.failOver(2)
    rig.call('c2', 'demand', { demands: [wanting(5)] })
    rig.answer('c1')
    expect(demands(rig)).to.deep.equal([])
  })

  it('is said once more of the framework itself', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'update', { framework: { name: 'other', roles: ['a'] } })
    rig.failOver(2)
    rig.answer('c1')
    const framework = { frameworkId: 'web', name: 'other', roles: ['a'] }
    expect(rig.sent.map(({ kind, body }) => [kind, body])).to.deep.equal([
      ['update', { framework, suppressedRoles: [] }],
    ])
  })
})

describe('an instance that was replaced while it was stopped', () => {
  const replaced = { ok: false, code: 'replaced', message: 'a newer instance is subscribed' } as const
  const end = 'event failed replaced: a newer instance is subscribed'

  it('subscribes when it wakes up, is refused, and stops for good', () => {
    const rig = DriverRig.subscribed()
    rig.now += 3_600_000
    expect(rig.step({ kind: 'tick' })).to.include('send subscribe subscribe-2')
    expect(rig.takeSubscription(2, replaced)).to.deep.equal([end])
    expect([
      rig.after(60_000),
      rig.step({ kind: 'reconnected' }),
      rig.step({ kind: 'beacon', epoch: 9 }),
    ]).to.deep.equal([[], [], []])
  })

  it('is told so by the answer to a heartbeat, when nobody has told it before', () => {
    const rig = DriverRig.subscribed()
    rig.during(5_000, /heartbeat/)
    expect(rig.hear('resynchronise', { reason: 'this leader does not know this session' })).to.deep.equal([
      'send subscribe subscribe-2',
    ])
    expect(rig.takeSubscription(2, replaced)).to.deep.equal([end])
  })

  it('is told so by another leader, too', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'])
    rig.now += 3_600_000
    rig.elect(2)
    rig.step({ kind: 'beacon', epoch: 2 })
    expect(rig.after(250)).to.include('settle c1 timeout')
    expect(rig.takeSubscription(2, replaced)).to.deep.equal([end])
  })
})

describe('the spread of subscriptions', () => {
  it('is the same for the same framework, and even over many', () => {
    const waits = Array.from({ length: 10_000 }, (_, index) => spreadMs(`framework-${index} 7`, 250))
    expect(waits[3]).to.equal(spreadMs('framework-3 7', 250))
    expect([Math.min(...waits), Math.max(...waits)]).to.deep.equal([0, 250])
    const perQuarter = [0, 1, 2, 3].map(each => waits.filter(ms => Math.floor(ms / 63) === each).length)
    for (const count of perQuarter) expect(count).to.be.within(2_200, 2_800)
  })
})
