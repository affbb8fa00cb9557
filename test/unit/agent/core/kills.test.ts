import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

const killed = ['checkpoint t1 KILLING', 'send update t1 KILLING', 'stop t1', 'send reply kill-t1']

describe('a kill', () => {
  const order = (rig: AgentRig, graceMs: number) =>
    rig.hear('kill', { frameworkId: 'f', taskId: 't1', graceMs }, { call: 'kill-t1' })

  it('that is repeated asks the task again only when it should have ended by now', () => {
    const rig = AgentRig.registered('t1')
    expect(order(rig, 5_000)).to.deep.equal(killed)
    rig.now += 14_000
    expect(order(rig, 5_000)).to.deep.equal(['send reply kill-t1'])
    rig.now += 1_000
    expect(order(rig, 5_000)).to.deep.equal(['stop t1', 'send reply kill-t1'])
  })

  it('with less grace than the one before asks the task again at once', () => {
    const rig = AgentRig.registered('t1')
    order(rig, 60_000)
    expect([order(rig, 60_000), order(rig, 1_000)]).to.deep.equal([
      ['send reply kill-t1'],
      ['stop t1', 'send reply kill-t1'],
    ])
  })

  it('is carried on after a restart: nobody else counts the grace', () => {
    const before = AgentRig.registered('t1')
    before.kill('t1')
    const rig = new AgentRig('a1', before.disk, 's2')
    const container = {
      frameworkId: 'f',
      taskId: 't1',
      handle: { kind: 'docker', containerId: 'c-t1' },
    } as const
    expect(rig.step({ kind: 'recovered', running: [container] })).to.deep.equal([
      'checkpoint t1 KILLING',
      'stop t1',
      'send register register-1',
    ])
  })
})
