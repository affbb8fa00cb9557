import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

describe('agents that are not well', () => {
  let rig: MasterRig
  const tell = (health?: object) => rig.heartbeat({ kind: 'agent', id: 'a1' }, health ? { health } : {})

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
  })

  it('are not offered until they are well again; their tasks stay as they are', () => {
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    tell({ ok: false, reason: 'the docker engine does not answer' })
    expect(rig.offered('web')).to.deep.equal([])
    expect(rig.state.agents[0]).to.include({ problem: 'the docker engine does not answer', taskCount: 1 })
    const [role] = rig.master.state.allocator.explain(rig.nowMs, 'web', {}).roles
    expect(role?.agents.map(({ reason }) => reason)).to.deep.equal(['agent-unwell'])
    tell()
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:3;mem:1024'])
    expect(rig.state.agents[0]?.problem).to.equal(undefined)
  })

  it('are not offered either when they say so as they register', () => {
    rig.agent('a1', undefined, { health: { ok: false } })
    expect(rig.offered('web')).to.deep.equal([])
    rig.elect()
    rig.agent('a1', undefined, { health: { ok: false, reason: 'no engine' } })
    rig.framework('web', { roles: ['prod'] })
    expect(rig.offered('web')).to.deep.equal([])
  })

  it("may be drained and deactivated all the same, and an operator's order stays when they are well", () => {
    tell({ ok: false })
    rig.operate({ kind: 'deactivate', agentId: 'a1' })
    tell()
    expect(rig.offered('web')).to.deep.equal([])
    rig.operate({ kind: 'reactivate', agentId: 'a1' })
    expect(rig.offered('web')).to.have.length(1)
  })
})
