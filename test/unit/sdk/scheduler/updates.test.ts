import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DriverRig, session } from './driver-rig.js'

const own = (count: number) => `${session}-own-${count}`

describe("the driver's updates of a task that it has launched", () => {
  it('are told from the first on, although a later one comes first', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'])
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal([])
    expect(rig.hearUpdate(1, 'STARTING')).to.deep.equal(['event update t1 1 STARTING'])
  })

  it('may begin anywhere when the launch was refused: the id had been used before', () => {
    const rig = DriverRig.subscribed()
    rig.accept(['t1'])
    rig.hearUpdate(4, 'RUNNING')
    rig.answer('c1', { ok: true, result: { tasks: [{ taskId: 't1', ok: false, code: 'duplicate-task' }] } })
    expect(rig.hearUpdate(4, 'RUNNING')).to.deep.equal(['event update t1 4 RUNNING'])
  })
})

describe("the driver's updates of a task that an earlier instance has launched", () => {
  it('begin with the first that nobody has acknowledged, although a later one comes first', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearUpdate(3, 'KILLING', 't1', 2)).to.deep.equal([])
    expect(rig.hearUpdate(2, 'RUNNING')).to.deep.equal(['event update t1 2 RUNNING'])
  })

  it('begin with the one that comes, when those before it are acknowledged', () => {
    const rig = DriverRig.subscribed()
    expect(rig.hearUpdate(3, 'KILLING')).to.deep.equal(['event update t1 3 KILLING'])
  })
})

describe('what the master says by itself', () => {
  it('waits behind the updates that the handler has not come to yet', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'STARTING')
    rig.hearUpdate(2, 'RUNNING')
    expect(rig.hearSaid('UNREACHABLE')).to.deep.equal([])
    expect(rig.handled(1)).to.deep.equal(['send acknowledge', 'event update t1 2 RUNNING'])
    expect(rig.handled(2)).to.deep.equal(['send acknowledge', 'event update t1 - UNREACHABLE'])
  })

  it('waits once, however often it is said meanwhile', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'RUNNING')
    for (let count = 0; count < 3; count++) rig.hearSaid('UNREACHABLE')
    expect(rig.handled(1)).to.deep.equal(['send acknowledge', 'event update t1 - UNREACHABLE'])
  })

  it('is told all the same when the handler failed on what was before it', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'STARTING')
    rig.hearSaid('UNREACHABLE')
    expect(rig.step({ kind: 'unhandled', taskId: 't1' })).to.deep.equal(['event update t1 - UNREACHABLE'])
    expect(rig.hearUpdate(1, 'STARTING')).to.deep.equal(['event update t1 1 STARTING'])
  })

  it('never brings back a task that its agent has reported to have ended', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'FINISHED')
    rig.handled(1)
    const said = (['UNREACHABLE', 'UNKNOWN', 'RUNNING', 'GONE'] as const).map(state => rig.hearSaid(state))
    expect(said).to.deep.equal([[], [], [], []])
  })

  it('is told when an agent is back: UNREACHABLE, then RUNNING again', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'RUNNING')
    rig.handled(1)
    expect(rig.hearSaid('UNREACHABLE', { reason: 'AGENT_UNREACHABLE' })).to.deep.equal([
      'event update t1 - UNREACHABLE',
    ])
    rig.failOver(2)
    expect(rig.hearAnswer('RUNNING')).to.deep.equal(['event update t1 - RUNNING'])
  })
})

describe('a task that was called gone', () => {
  const gone = () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'RUNNING')
    rig.handled(1)
    rig.hearSaid('GONE', { reason: 'AGENT_REREGISTERED' })
    return rig
  }

  it('is killed when it turns up again, and its end is told', () => {
    const rig = gone()
    expect(rig.hearAnswer('RUNNING')).to.deep.equal([`send kill ${own(1)}`])
    expect(rig.sent[0]?.body).to.deep.equal({ taskId: 't1', agentId: 'a1' })
    expect(rig.hearUpdate(2, 'KILLING')).to.deep.equal(['send acknowledge'])
    expect(rig.hearUpdate(3, 'KILLED')).to.deep.equal(['event update t1 3 KILLED'])
    expect(rig.during(60_000, /kill/)).to.deep.equal([])
  })

  it('is killed also when an update of its agent tells of it', () => {
    expect(gone().hearUpdate(2, 'RUNNING')).to.deep.equal(['send acknowledge', `send kill ${own(1)}`])
  })

  it('has its real end told when that arrives later', () => {
    expect(gone().hearUpdate(2, 'FINISHED')).to.deep.equal(['event update t1 2 FINISHED'])
  })
})

describe('the memory of tasks', () => {
  it('is bounded: the oldest that have ended are forgotten', () => {
    const rig = DriverRig.subscribed()
    for (let index = 0; index <= 10_000; index++) {
      rig.hearUpdate(1, 'FINISHED', `t${index}`)
      rig.handled(1, `t${index}`)
    }
    expect(rig.hearUpdate(1, 'FINISHED', 't1')).to.deep.equal(['send acknowledge'])
    expect(rig.hearUpdate(1, 'FINISHED', 't0')).to.deep.equal(['event update t0 1 FINISHED'])
  })

  it('keeps what runs', () => {
    const rig = DriverRig.subscribed()
    rig.hearUpdate(1, 'RUNNING', 'live')
    rig.handled(1, 'live')
    for (let index = 0; index <= 10_000; index++) rig.hearAnswer('UNKNOWN', `t${index}`)
    expect(rig.hearUpdate(1, 'RUNNING', 'live')).to.deep.equal(['send acknowledge'])
  })
})
