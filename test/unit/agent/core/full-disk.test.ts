import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

const full = 'ENOSPC: no space left on device, write'
const bad = `send heartbeat (disk: ${full})`

describe('an agent whose disk takes nothing', () => {
  it('starts no task, and does not answer the launch; it is done when it comes again later', () => {
    const rig = AgentRig.registered()
    rig.diskTrouble = full
    expect(rig.launch('t1')).to.deep.equal([bad, bad])
    expect(rig.launch('t1')).to.deep.equal([])
    rig.diskTrouble = undefined
    expect(rig.after(1_000)).to.deep.equal(['checkpoint-again', 'send heartbeat'])
    expect(rig.launch('t1')).to.deep.equal(['checkpoint t1 STAGING', 'start t1', 'send reply launch-t1'])
  })

  it('keeps what happens in memory, and tells it when it is stored', () => {
    const rig = AgentRig.registered('t1')
    rig.diskTrouble = full
    expect(rig.exits('t1', 3)).to.deep.equal([bad, bad])
    expect(rig.after(1_000)).to.deep.equal(['send update t1 RUNNING'])
    expect(rig.disk.get('t1')?.state).to.equal('RUNNING')
    rig.diskTrouble = undefined
    expect(rig.after(1_000)).to.deep.equal([
      'checkpoint-again t1',
      'send heartbeat',
      'send update t1 RUNNING',
      'send update t1 FAILED',
    ])
    expect(rig.disk.get('t1')?.state).to.equal('FAILED')
  })

  it('tells also in its registrations only what is stored', () => {
    const rig = AgentRig.registered('t1')
    rig.diskTrouble = full
    rig.exits('t1')
    rig.step({ kind: 'reconnected' })
    expect(rig.registration.tasks.map(({ taskId, state }) => [taskId, state])).to.deep.equal([
      ['t1', 'RUNNING'],
    ])
    expect(rig.registration.health).to.deep.equal({ ok: false, reason: `disk: ${full}` })
    rig.takeRegistration()
    rig.diskTrouble = undefined
    expect(rig.after(1_000)).to.include('send update t1 FINISHED')
  })

  it('leaves no number out in what it sends, so that nothing seems to be lost', () => {
    const rig = AgentRig.registered('t1')
    rig.diskTrouble = full
    rig.launch('t2')
    rig.exits('t1')
    rig.after(1_000)
    rig.kill('t3')
    rig.diskTrouble = undefined
    rig.after(1_000)
    const numbers = rig.sent.map(({ sequence }) => sequence)
    expect(numbers).to.deep.equal(numbers.map((_, index) => (numbers[0] ?? 0) + index))
  })

  it('registers as it was left, when it is started on such a disk', () => {
    const rig = AgentRig.registered('t1')
    const restarted = new AgentRig('a1', rig.disk)
    restarted.diskTrouble = full
    restarted.step({ kind: 'recovered', running: [] })
    restarted.exits('t1')
    restarted.takeRegistration()
    expect(restarted.registration.tasks.map(({ state }) => state)).to.deep.equal(['RUNNING'])
    restarted.diskTrouble = undefined
    expect(restarted.after(1_000)).to.include('send update t1 FINISHED')
  })

  it('does not take a change of its resources that it cannot keep, and does not answer it', () => {
    const rig = AgentRig.registered()
    rig.diskTrouble = full
    const body = { resources: { cpus: 3, 'cpus(web,dynamic)': 1 }, resourcesRevision: 1 }
    expect(rig.hear('set-resources', body, { call: 'c1' })).to.deep.equal([bad, bad])
    rig.diskTrouble = undefined
    rig.after(1_000)
    expect(rig.hear('set-resources', body, { call: 'c1' })).to.deep.equal([
      'checkpoint-resources',
      'send reply c1',
    ])
  })

  it('stops a task that is to be killed', () => {
    const rig = AgentRig.registered('t1')
    rig.diskTrouble = full
    expect(rig.kill('t1')).to.deep.equal([bad, 'stop t1', bad, bad])
  })
})
