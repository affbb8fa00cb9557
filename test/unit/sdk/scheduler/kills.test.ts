import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DriverRig, session } from './driver-rig.js'

const own = (count: number) => `${session}-own-${count}`
const unknown = { ok: false, code: 'unknown-task', message: 'no such task' } as const

/** One that has been ordered to kill t1, and whose leader has taken the order. */
function killing(): DriverRig {
  const rig = DriverRig.subscribed()
  rig.answer(`${session}-reconcile-1`)
  rig.call('c1', 'kill', { taskId: 't1', agentId: 'a1', graceMs: 9 })
  rig.answer('c1')
  return rig
}

describe("the driver's kills", () => {
  it('are given again, ever less often, until the task has ended', () => {
    const rig = killing()
    const at = rig.during(200_000, /kill/).map(([ms]) => ms)
    expect(at).to.deep.equal([5_000, 10_000, 20_000, 40_000, 80_000, 140_000, 200_000])
    rig.hearUpdate(1, 'KILLED')
    expect(rig.during(100_000, /kill/)).to.deep.equal([])
  })

  it('are given again as they were', () => {
    const rig = killing()
    rig.after(5_000)
    expect(
      rig.sent.filter(({ kind }) => kind === 'kill').map(({ call, body }) => [call, body]),
    ).to.deep.equal([[own(1), { taskId: 't1', agentId: 'a1', graceMs: 9 }]])
  })

  it('outlive the leader that has taken them', () => {
    const rig = killing()
    expect(rig.failOver(2)).to.include(`send kill ${own(1)}`)
    expect(rig.failOver(3)).to.include(`send kill ${own(2)}`)
    rig.hearAnswer('GONE')
    expect(rig.failOver(4).join()).not.to.include('kill')
  })

  it('are given once to a new leader when the one before had not answered', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'kill', { taskId: 't1' })
    expect(rig.failOver(2).filter(text => text.includes('kill'))).to.deep.equal(['send kill c1'])
  })

  it('stand on when no answer came in time', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'kill', { taskId: 't1' })
    const told = rig.during(66_000, /settle|own/)
    expect(told).to.deep.equal([
      [60_000, 'settle c1 timeout'],
      [65_000, `send kill ${own(1)}`],
    ])
  })

  it('are over when they were wrong', () => {
    const rig = DriverRig.subscribed()
    rig.call('c1', 'kill', { taskId: '' })
    rig.answer('c1', { ok: false, code: 'malformed', message: 'taskId' })
    expect(rig.during(60_000, /kill/)).to.deep.equal([])
  })

  describe('of a task that the leader does not know', () => {
    const refused = () => {
      const rig = DriverRig.subscribed()
      rig.answer(`${session}-reconcile-1`)
      rig.call('c1', 'kill', { taskId: 't1' })
      expect(rig.answer('c1', unknown)).to.deep.equal(['settle c1 unknown-task', `send reconcile ${own(1)}`])
      return rig
    }

    it('stand until it is known to be gone: its agent may come back', () => {
      const rig = refused()
      expect(rig.during(10_000, /kill/)).to.have.length(2)
      expect(rig.hearAnswer('GONE')).to.deep.equal(['event update t1 - GONE'])
      expect(rig.during(60_000, /kill|reconcile/)).to.deep.equal([])
    })

    it('rest while nobody knows it, and are given when it is found running', () => {
      const rig = refused()
      rig.hearAnswer('UNKNOWN')
      expect(rig.during(60_000, /kill/)).to.deep.equal([])
      expect(rig.hearUpdate(3, 'RUNNING')).to.deep.equal(['event update t1 3 RUNNING', `send kill ${own(2)}`])
    })

    it('are over when it has been told to have ended', () => {
      const rig = DriverRig.subscribed()
      rig.hearUpdate(1, 'FINISHED')
      rig.call('c1', 'kill', { taskId: 't1' })
      expect(rig.answer('c1', unknown)).to.deep.equal(['settle c1 unknown-task'])
      expect(rig.during(60_000, /kill/)).to.deep.equal([])
    })
  })

  it('are over with the accept that was to launch the task', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'])
    rig.call('c2', 'kill', { taskId: 't1' })
    expect(rig.answer('c2', unknown)).to.deep.equal(['settle c2 unknown-task'])
    expect(rig.during(5_000, /own/)).to.have.length(1)
    rig.answer('c1', { ok: false, code: 'invalid-offer', message: 'it has ended' })
    expect(rig.during(60_000, /own/)).to.deep.equal([])
  })

  it('of a task that has ended bring its last state once more', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'FINISHED')
    expect(rig.hearAnswer('FINISHED')).to.deep.equal([])
    rig.handled(1)
    rig.call('c1', 'kill', { taskId: 't1' })
    expect(rig.hearAnswer('FINISHED')).to.deep.equal(['event update t1 - FINISHED'])
  })
})
