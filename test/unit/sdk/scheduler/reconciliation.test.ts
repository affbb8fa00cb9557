import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DriverRig, session } from './driver-rig.js'

const own = (count: number) => `${session}-own-${count}`
const round = (count: number) => `${session}-reconcile-${count}`
const minuteMs = 60_000

/** One that knows of t1, RUNNING, and of t2, which was launched and not heard of yet. */
function running(): DriverRig {
  const rig = DriverRig.subscribed()
  rig.answer(round(1))
  rig.accept(['t1', 't2'])
  rig.answer('c1', {
    ok: true,
    result: {
      tasks: [
        { taskId: 't1', ok: true },
        { taskId: 't2', ok: true },
      ],
    },
  })
  rig.hearUpdate(1)
  rig.handled(1)
  return rig
}

/** The tasks that the last step has asked for by name. */
const asked = (rig: DriverRig) =>
  rig.sent.filter(({ kind }) => kind === 'reconcile').map(({ body }) => (body as { tasks: object[] }).tasks)

describe("the driver's reconciliation", () => {
  it('asks a new leader for all that it knows, then by name for what it has not named', () => {
    const rig = running()
    expect(rig.failOver(2)).to.deep.equal(['event subscribed 2', `send reconcile ${round(2)}`])
    expect(asked(rig)).to.deep.equal([[]])
    rig.hearAnswer('RUNNING', 't1')
    expect(rig.answer(round(2))).to.deep.equal([`send reconcile ${own(1)}`])
    expect(asked(rig)).to.deep.equal([[{ taskId: 't2', agentId: 'a1' }]])
  })

  it('asks again, ever less often, until every task was heard of', () => {
    const rig = running()
    rig.failOver(2)
    rig.hearAnswer('RUNNING', 't1')
    const from = rig.now
    rig.answer(round(2))
    const at = rig.during(200_000, /reconcile/).map(([ms]) => (ms - from) / 1000)
    expect(at).to.deep.equal([2, 6, 14, 30, 62, 122, 182])
    rig.hearAnswer('GONE', 't2')
    expect(rig.during(5 * minuteMs, /reconcile/)).to.deep.equal([])
  })

  it('asks by name also when the first answer is lost', () => {
    const rig = running()
    rig.failOver(2)
    expect(rig.during(2_000, /reconcile/)).to.have.length(1)
    expect(asked(rig)).to.deep.equal([
      [
        { taskId: 't1', agentId: 'a1' },
        { taskId: 't2', agentId: 'a1' },
      ],
    ])
  })

  it('does all of it every quarter of an hour', () => {
    const rig = running()
    const rounds = rig.during(31 * minuteMs, /-reconcile-/)
    expect(rounds).to.deep.equal([
      [15 * minuteMs, `send reconcile ${round(2)}`],
      [30 * minuteMs, `send reconcile ${round(3)}`],
    ])
  })

  it('leaves out what has ended, and what is in an accept that is not answered', () => {
    const rig = running()
    rig.hearUpdate(2, 'FINISHED')
    rig.hearUpdate(1, 'FAILED', 't2')
    rig.call('c2', 'accept', {
      offerIds: ['o2'],
      operations: [{ kind: 'launch', tasks: [{ taskId: 't3', resources: { cpus: 1 } }] }],
    })
    rig.failOver(2)
    expect(rig.answer(round(2))).to.deep.equal([])
    expect(rig.during(10_000, /reconcile/)).to.deep.equal([])
  })

  it('sends no list that would not fit into a message', () => {
    const rig = DriverRig.subscribed()
    const tasks = Array.from({ length: 4_001 }, (_, index) => ({ taskId: `t${index}` }))
    rig.call('c1', 'reconcile', { tasks })
    rig.answer('c1')
    rig.after(2_000)
    expect(asked(rig).map(({ length }) => length)).to.deep.equal([4_000, 1])
    const long = Array.from({ length: 2_001 }, (_, index) => ({ taskId: `${index}`.padStart(200, 't') }))
    const other = DriverRig.subscribed()
    other.call('c1', 'reconcile', { tasks: long })
    other.answer('c1')
    other.after(2_000)
    expect(asked(other).map(({ length }) => length)).to.deep.equal([2_000, 1])
  })

  it('asks every minute for what is unreachable: its agent may come back without it', () => {
    const rig = running()
    rig.failOver(2)
    rig.hearAnswer('RUNNING', 't2')
    rig.hearAnswer('UNREACHABLE', 't1')
    expect(rig.answer(round(2))).to.deep.equal([])
    const from = rig.now
    expect(rig.during(3 * minuteMs, /-own-/).map(([at]) => at - from)).to.deep.equal([
      60_000, 120_000, 180_000,
    ])
    expect(rig.hearAnswer('GONE')).to.deep.equal(['event update t1 - GONE'])
    expect(rig.during(3 * minuteMs, /-own-/)).to.deep.equal([])
  })

  it('has an end for a task that has ended, whatever became of its agent', () => {
    const rig = running()
    rig.hearUpdate(2, 'FINISHED')
    rig.call('c2', 'reconcile', { tasks: [{ taskId: 't1', agentId: 'a1' }] })
    expect(rig.hearAnswer('UNREACHABLE')).to.deep.equal([])
    rig.answer('c2')
    expect(rig.during(5 * minuteMs, /-own-/)).to.deep.equal([])
  })

  it('tells what differs from what was told last, and nothing else', () => {
    const rig = running()
    expect([
      rig.hearAnswer('RUNNING'),
      rig.hearAnswer('UNREACHABLE'),
      rig.hearAnswer('UNREACHABLE'),
      rig.hearAnswer('RUNNING'),
    ]).to.deep.equal([[], ['event update t1 - UNREACHABLE'], [], ['event update t1 - RUNNING']])
  })

  it('tells a fresh process all that the leader knows', () => {
    expect(DriverRig.subscribed().hearAnswer('RUNNING', 't9')).to.deep.equal(['event update t9 - RUNNING'])
  })

  it('tells what the author has asked for, once, also if it is nothing new', () => {
    const rig = running()
    rig.call('c2', 'reconcile', { tasks: [{ taskId: 't1' }] })
    expect([rig.hearAnswer('RUNNING'), rig.hearAnswer('RUNNING')]).to.deep.equal([
      ['event update t1 - RUNNING'],
      [],
    ])
    rig.call('c3', 'reconcile', { tasks: [] })
    expect(rig.hearAnswer('RUNNING')).to.deep.equal(['event update t1 - RUNNING'])
  })

  it('goes on asking for what the author has named', () => {
    const rig = DriverRig.subscribed()
    rig.answer(round(1))
    rig.call('c1', 'reconcile', { tasks: [{ taskId: 't7', agentId: 'a7' }] })
    rig.answer('c1')
    expect(rig.during(7_000, /reconcile/)).to.have.length(2)
    expect(rig.failOver(2)).to.include(`send reconcile ${round(2)}`)
    rig.answer(round(2))
    expect(asked(rig)).to.deep.equal([[{ taskId: 't7', agentId: 'a7' }]])
  })
})
