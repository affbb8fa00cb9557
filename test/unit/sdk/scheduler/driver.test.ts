import { ProtocolError } from '@tender/sdk'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DriverRig, heartbeatMs, session } from './driver-rig.js'

const subscribedAgain = `event subscribed 1`

describe("the driver's subscription", () => {
  it('is asked for at the start, with all that the leader needs to know', () => {
    const rig = new DriverRig({ suppressedRoles: ['b'], startedAtMs: 5 })
    expect(rig.step({ kind: 'start' })).to.deep.equal(['send subscribe subscribe-1'])
    expect(rig.sent).to.deep.equal([
      {
        v: 2,
        kind: 'subscribe',
        session,
        sequence: 1,
        epoch: 0,
        call: 'subscribe-1',
        body: {
          framework: { frameworkId: 'web', name: 'web', roles: ['a', 'b'] },
          suppressedRoles: ['b'],
          startedAtMs: 5,
          received: { session: '', sequence: 0 },
        },
      },
    ])
  })

  it('is asked for again and again, ever less often, until there is an answer', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    const sentAt: number[] = []
    for (let ms = 50; ms <= 40_000; ms += 50) if (rig.after(50).length > 0) sentAt.push(ms)
    expect(sentAt).to.deep.equal([250, 750, 1_750, 3_750, 7_750, 15_750, 23_750, 31_750, 39_750])
  })

  it('holds when the leader has taken it; then all tasks are reconciled', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    expect(rig.takeSubscription(1)).to.deep.equal([
      'event subscribed 1',
      `send reconcile ${session}-reconcile-1`,
    ])
    expect(rig.after(4_900)).to.deep.equal([])
  })

  it('takes no notice of an answer to an earlier request', () => {
    const rig = DriverRig.subscribed()
    rig.step({ kind: 'reconnected' })
    expect(
      rig.hear('reply', { ok: true, result: { heartbeatMs: 1 } }, { call: 'subscribe-1' }),
    ).to.deep.equal([])
    expect(rig.takeSubscription(2)).to.include(subscribedAgain)
  })

  for (const code of ['registry-unavailable', 'not-leader'] as const) {
    it(`goes on asking when it was refused for now: ${code}`, () => {
      const rig = new DriverRig()
      rig.step({ kind: 'start' })
      expect(rig.takeSubscription(1, { ok: false, code, message: 'not now' })).to.deep.equal([])
      expect(rig.after(250)).to.deep.equal(['send subscribe subscribe-1'])
    })
  }

  it('ends when it is refused for good; nothing is sent any more, and each call is told so', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    rig.call('c1', 'revive')
    const refused = { ok: false, code: 'invalid-framework', message: 'no such role' } as const
    expect(rig.takeSubscription(1, refused)).to.deep.equal([
      'settle c1 closed',
      'event failed invalid-framework: no such role',
    ])
    expect([rig.call('c2', 'revive'), rig.after(60_000), rig.step({ kind: 'reconnected' })]).to.deep.equal([
      ['settle c2 closed'],
      [],
      [],
    ])
  })

  it('ends when a newer instance has replaced this one', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hear('failed', { code: 'replaced', message: 'by a newer instance' })).to.deep.equal([
      'event failed replaced: by a newer instance',
    ])
    expect(rig.step({ kind: 'beacon', epoch: 2 })).to.deep.equal([])
  })

  it('is given up on closing', () => {
    expect(DriverRig.subscribed().step({ kind: 'close' })).to.deep.equal(['send unsubscribe'])
    expect(new DriverRig().step({ kind: 'close' })).to.deep.equal([])
  })

  it('is kept with heartbeats that tell what has come', () => {
    const rig = DriverRig.subscribed()
    rig.hearOffers('o1')
    expect(rig.after(heartbeatMs)).to.deep.equal(['send heartbeat'])
    expect(rig.sent[0]?.body).to.deep.equal({ received: { session: 'm-1-1', sequence: 2 } })
    rig.step({ kind: 'beacon', epoch: 1 })
    expect(rig.after(heartbeatMs - 1)).to.deep.equal([])
  })

  const losses: [name: string, lose: (rig: DriverRig) => string[], told: string[]][] = [
    ['a connection that was lost', rig => rig.step({ kind: 'reconnected' }), []],
    ['a leader that asks for it', rig => rig.hear('resynchronise', { reason: 'a gap' }), []],
    [
      'silence for ten seconds',
      rig => (rig.after(9_900), rig.after(100)),
      ['event disconnected: no leader heard for 10000 ms'],
    ],
    [
      'another leader, within a quarter of a second',
      rig => [...rig.step({ kind: 'beacon', epoch: 2 }), ...rig.after(250)],
      ['event disconnected: another master leads now'],
    ],
  ]
  for (const [name, lose, expected] of losses) {
    it(`is asked for again after ${name}`, () => {
      expect(lose(DriverRig.subscribed())).to.deep.equal([...expected, 'send subscribe subscribe-2'])
    })
  }

  it('is asked for again after a gap; what came behind it is still used', () => {
    const rig = DriverRig.subscribed()
    rig.lose()
    expect(rig.hearOffers('o2')).to.deep.equal(['event offers o2', 'log', 'send subscribe subscribe-2'])
  })

  it('is asked for again when the first message of a new session is not its first', () => {
    const rig = DriverRig.subscribed()
    const strange = {
      v: 2,
      kind: 'rescind',
      session: 'm9',
      sequence: 2,
      epoch: 1,
      body: { offerIds: [], reason: '' },
    }
    expect(rig.hearEnvelope(strange)).to.deep.equal(['log', 'send subscribe subscribe-2'])
  })

  it('is not lost to the author before it was had', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    expect(rig.step({ kind: 'beacon', epoch: 1 })).to.deep.equal(['send subscribe subscribe-2'])
  })

  it('tells the new leader which roles are suppressed by now', () => {
    const rig = DriverRig.subscribed({ suppressedRoles: ['b'] })
    rig.call('c1', 'suppress')
    rig.call('c2', 'revive', { roles: ['b'] })
    rig.step({ kind: 'reconnected' })
    expect(rig.sent[0]?.body).to.deep.include({ suppressedRoles: ['a'] })
  })
})

describe('what the driver hears', () => {
  it('is dropped when it comes from an older leader', () => {
    const rig = DriverRig.subscribed()
    rig.elect(2)
    rig.step({ kind: 'beacon', epoch: 2 })
    rig.takeSubscription(2)
    rig.elect(1)
    expect([rig.hearOffers('o1'), rig.step({ kind: 'beacon', epoch: 1 })]).to.deep.equal([[], []])
  })

  it('is dropped when it is meant for an earlier or later instance', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hear('offers', { offers: [] }, { to: 's0' })).to.deep.equal([])
  })

  it('is dropped when it comes again', () => {
    const rig = DriverRig.subscribed()
    const twice = {
      v: 2,
      kind: 'rescind',
      session: 'm-1-1',
      sequence: 1,
      epoch: 1,
      body: { offerIds: [], reason: '' },
    }
    expect(rig.hearEnvelope(twice)).to.deep.equal([])
  })

  it('is only noted when it is no message', () => {
    const error = new ProtocolError('malformed', 'no message')
    expect(DriverRig.subscribed().step({ kind: 'bad-message', error })).to.deep.equal(['log'])
  })
})

describe("the driver's calls", () => {
  it('wait for the subscription', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    expect(rig.call('c1', 'revive')).to.deep.equal([])
    expect(rig.takeSubscription(1)).to.include('send revive c1')
  })

  it('are sent at once, and settled by their answer', () => {
    const rig = DriverRig.subscribed()
    expect(rig.call('c1', 'kill', { taskId: 't1' })).to.deep.equal(['send kill c1'])
    expect(rig.hear('reply', { ok: true }, { call: 'c1' })).to.deep.equal(['settle c1 ok'])
    expect(rig.hear('reply', { ok: true }, { call: 'c1' })).to.deep.equal([])
  })

  it('are sent again, ever less often, and end after a minute', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'kill', { taskId: 't1' })
    const seen: [number, string][] = []
    for (let second = 1; second <= 61; second++) {
      rig.step({ kind: 'beacon', epoch: 1 })
      for (const text of rig.after(1_000)) if (text.includes('c1')) seen.push([second, text])
    }
    const sentAt = [1, 3, 7, 15, 23, 31, 39, 47, 55]
    expect(seen).to.deep.equal([...sentAt.map(at => [at, 'send kill c1']), [60, 'settle c1 timeout']])
  })

  it('are sent again, under the same name, after a new subscription', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'accept', { offerIds: ['o1'], operations: [] })
    rig.step({ kind: 'reconnected' })
    expect(rig.takeSubscription(2)).to.deep.equal([
      'event subscribed 1',
      'send accept c1',
      `send reconcile ${session}-reconcile-2`,
    ])
  })

  it('outlive a leader that does not know this session yet', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'revive')
    const reply = { ok: false, code: 'not-subscribed', message: 'who are you?' }
    expect(rig.hear('reply', reply, { call: 'c1' })).to.deep.equal([])
    expect(rig.after(1_000)).to.deep.equal(['send revive c1'])
  })

  it('end in time although no leader ever comes', () => {
    const rig = new DriverRig()
    rig.step({ kind: 'start' })
    rig.call('c1', 'revive')
    expect(rig.after(60_000)).to.deep.equal(['settle c1 timeout', 'send subscribe subscribe-1'])
  })
})

describe("the driver's offers", () => {
  it('are shown, and taken back only if they were', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearOffers('o1', 'o2')).to.deep.equal(['event offers o1,o2'])
    expect(rig.hear('rescind', { offerIds: ['o2', 'o9'], reason: 'expired' })).to.deep.equal([
      'event rescinded o2: expired',
    ])
    expect(rig.hear('rescind', { offerIds: ['o2'], reason: 'expired' })).to.deep.equal([])
  })

  it('are no longer taken back once they were answered', () => {
    const rig = DriverRig.subscribed()
    rig.hearOffers('o1', 'o2')
    rig.call('c1', 'accept', { offerIds: ['o1'], operations: [] })
    rig.call('c2', 'decline', { offerIds: ['o2'] })
    expect(rig.hear('rescind', { offerIds: ['o1', 'o2'], reason: 'expired' })).to.deep.equal([])
  })

  it('are dropped while there is no subscription', () => {
    const rig = DriverRig.subscribed()
    rig.step({ kind: 'reconnected' })
    expect(rig.hearOffers('o1')).to.deep.equal([])
  })

  it('are void after a new subscription', () => {
    const rig = DriverRig.subscribed()
    rig.hearOffers('o1')
    rig.step({ kind: 'reconnected' })
    expect(rig.takeSubscription(2).slice(0, 2)).to.deep.equal([
      'event rescinded o1: subscribed again',
      'event subscribed 1',
    ])
  })
})

describe("the driver's offers that were accepted all or nothing", () => {
  const accept = { offerIds: ['o1'], operations: [], allOrNothing: true }
  const noneDone = {
    ok: true,
    result: { tasks: [], operations: [{ kind: 'reserve', ok: false, code: 'invalid-operation' }] },
  } as const
  const refused = { ok: false, code: 'insufficient-resources', message: 'no' } as const
  const rescind = { offerIds: ['o1'], reason: 'expired' }

  for (const [name, reply] of [
    ['refused as a whole', refused],
    ['not done', noneDone],
  ] as const) {
    it(`stand on when it was ${name}, so that they may yet be rescinded`, () => {
      const rig = DriverRig.subscribed()
      rig.hearOffers('o1')
      rig.call('c1', 'accept', accept)
      rig.answer('c1', reply)
      expect(rig.hear('rescind', rescind)).to.deep.equal(['event rescinded o1: expired'])
    })
  }

  it('do not when they had ended before the answer came, or when it was done', () => {
    const rig = DriverRig.subscribed()
    rig.hearOffers('o1')
    rig.call('c1', 'accept', accept)
    rig.hear('rescind', rescind)
    rig.answer('c1', refused)
    expect(rig.hear('rescind', rescind)).to.deep.equal([])
    rig.hearOffers('o1')
    rig.call('c2', 'accept', accept)
    rig.answer('c2', { ok: true, result: { tasks: [] } })
    expect(rig.hear('rescind', rescind)).to.deep.equal([])
  })

  it('do not after a new subscription', () => {
    const rig = DriverRig.subscribed()
    rig.hearOffers('o1')
    rig.call('c1', 'accept', accept)
    rig.step({ kind: 'reconnected' })
    rig.takeSubscription(2)
    rig.answer('c1', refused)
    expect(rig.hear('rescind', rescind)).to.deep.equal([])
  })
})

describe("the driver's inverse offers", () => {
  it('are shown, and taken back although they were answered', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearInverseOffers('i1', 'i2')).to.deep.equal(['event inverse-offers i1,i2'])
    const answer = { inverseOfferIds: ['i1'], answer: 'accept' }
    expect(rig.call('c1', 'answer-inverse-offers', answer)).to.deep.equal(['send answer-inverse-offers c1'])
    const rescind = { inverseOfferIds: ['i1', 'i9'], reason: 'no maintenance' }
    expect(rig.hear('rescind-inverse-offers', rescind)).to.deep.equal([
      'event inverse-rescinded i1: no maintenance',
    ])
    expect(rig.hear('rescind-inverse-offers', rescind)).to.deep.equal([])
  })

  it('are void after a new subscription: the leader makes them anew', () => {
    const rig = DriverRig.subscribed()
    rig.hearInverseOffers('i1')
    rig.step({ kind: 'reconnected' })
    expect(rig.hearInverseOffers('i2')).to.deep.equal([])
    expect(rig.takeSubscription(2).slice(0, 2)).to.deep.equal([
      'event inverse-rescinded i1: subscribed again',
      'event subscribed 1',
    ])
  })
})

describe("the driver's updates", () => {
  it('are told one by one, and acknowledged when the handler is done', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearUpdate(1, 'STARTING')).to.deep.equal(['event update t1 1 STARTING'])
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal([])
    expect(rig.handled(1)).to.deep.equal(['send acknowledge', 'event update t1 2 RUNNING'])
    expect(rig.sent[0]?.body).to.deep.equal({ taskId: 't1', agentId: 'a1', sequence: 1 })
    expect(rig.handled(2)).to.deep.equal(['send acknowledge'])
  })

  it('of one task do not wait for those of another', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'RUNNING', 't1')
    expect(rig.hearUpdate(1, 'RUNNING', 't2')).to.deep.equal(['event update t2 1 RUNNING'])
  })

  it('that come again are acknowledged again, and not told again', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1)
    rig.handled(1)
    expect(rig.hearUpdate(1)).to.deep.equal(['send acknowledge'])
  })

  it('that come again while the handler is at work are left to be resent', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1)
    rig.hearUpdate(2)
    expect([rig.hearUpdate(1), rig.hearUpdate(2)]).to.deep.equal([[], []])
    expect(rig.handled(1)).to.deep.equal(['send acknowledge', 'event update t1 2 RUNNING'])
  })

  it('are told in order: one after a loss waits until the lost one is resent', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'STARTING')
    rig.handled(1)
    expect(rig.hearUpdate(3, 'FAILED')).to.deep.equal([])
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal(['event update t1 2 RUNNING'])
    expect([rig.handled(2), rig.hearUpdate(3, 'FAILED')]).to.deep.equal([
      ['send acknowledge'],
      ['event update t1 3 FAILED'],
    ])
  })

  it('may begin anywhere: a restarted framework has no memory of its tasks', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearUpdate(7, 'FINISHED')).to.deep.equal(['event update t1 7 FINISHED'])
  })

  it('come again when the handler failed, and so do those behind', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'STARTING')
    rig.hearUpdate(2, 'RUNNING')
    expect(rig.step({ kind: 'unhandled', taskId: 't1' })).to.deep.equal([])
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal([])
    expect(rig.hearUpdate(1, 'STARTING')).to.deep.equal(['event update t1 1 STARTING'])
    rig.handled(1)
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal(['event update t1 2 RUNNING'])
  })

  it('of the master itself are told each time, and not acknowledged', () => {
    const rig = DriverRig.subscribed()
    expect([rig.hearUpdate(undefined), rig.hearUpdate(undefined)]).to.deep.equal([
      ['event update t1 - RUNNING'],
      ['event update t1 - RUNNING'],
    ])
  })

  it('are acknowledged later when there is no subscription: the agent sends them again', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1)
    rig.step({ kind: 'reconnected' })
    expect(rig.handled(1)).to.deep.equal([])
    rig.takeSubscription(2)
    expect(rig.hearUpdate(1)).to.deep.equal(['send acknowledge'])
  })
})
