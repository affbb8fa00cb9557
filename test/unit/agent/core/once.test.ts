import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

describe('a task id runs once', () => {
  it('when its launch is repeated while it runs', () => {
    const rig = AgentRig.registered('t1')
    expect(rig.launch('t1')).to.deep.equal(['send reply launch-t1'])
  })

  it('when its launch is repeated after it has ended, also when it is forgotten', () => {
    const rig = AgentRig.registered('t1')
    rig.exits('t1')
    expect(rig.launch('t1')).to.deep.equal(['send reply launch-t1'])
    expect(rig.acknowledge('t1', 2)).to.deep.equal(['remove t1', 'forget t1'])
    expect(rig.launch('t1')).to.deep.equal(['send reply launch-t1'])
  })

  it('when its launch was on the way to the life before this one', () => {
    const rig = new AgentRig('a1', new Map(), 's2')
    rig.step({ kind: 'recovered', running: [] })
    expect(rig.launch('t1', { to: 's1' })).to.deep.equal([])
  })

  it('when its launch is of an older leader', () => {
    const rig = AgentRig.registered()
    rig.beacon({}, 2)
    expect(rig.launch('t1')).to.deep.equal([])
  })

  it('and not at all when a kill has come before its launch', () => {
    const rig = AgentRig.registered()
    expect(rig.kill('t1')).to.deep.equal(['send reply kill-t1'])
    expect(rig.launch('t1')).to.deep.equal([
      'checkpoint t1 KILLED',
      'send update t1 KILLED',
      'send reply launch-t1',
    ])
  })

  it('and not at all when the kill is told again after a restart', () => {
    const rig = new AgentRig('a1', new Map(), 's2')
    rig.step({ kind: 'recovered', running: [] })
    rig.hear('kill', { frameworkId: 'f', taskId: 't1' }, { to: 's2', call: 'c1' })
    expect(rig.launch('t1', { to: 's2' })[0]).to.equal('checkpoint t1 KILLED')
  })
})
