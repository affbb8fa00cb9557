import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

describe('silent agents', () => {
  const ids = Array.from({ length: 10 }, (_, index) => `a${index}`)
  let rig: MasterRig

  const hear = (heard: readonly string[]) => {
    for (const id of heard) rig.heartbeat({ kind: 'agent', id })
    rig.heartbeat({ kind: 'framework', id: 'web' })
  }
  /** Time passes, and these agents are heard of all the while. */
  const pass = (ms: number, heard: readonly string[]) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      hear(heard)
      rig.advance(1_000)
    }
  }
  const unreachable = () =>
    rig.state.agents.filter(({ state }) => state === 'unreachable').map(({ agentId }) => agentId)

  beforeEach(() => {
    rig = new MasterRig({ agentTimeoutMs: 10_000 })
    for (const id of ids) rig.agent(id, 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
  })

  it('are unreachable after ten seconds, and their frameworks are told once', () => {
    rig.accept('web', 'a0', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    pass(9_000, ids.slice(1))
    expect(unreachable()).to.deep.equal([])
    pass(2_000, ids.slice(1))
    expect(unreachable()).to.deep.equal(['a0'])
    pass(60_000, ids.slice(1))
    const told = rig.sent('framework web', 'update').map(({ status }) => [status.taskId, status.state])
    expect(told).to.deep.equal([['t1', 'UNREACHABLE']])
  })

  it('are all kept when more than a fifth is silent at once, and not offered', () => {
    const heard = ids.slice(3)
    pass(60_000, heard)
    expect(unreachable()).to.deep.equal([])
    expect(rig.state.leader.suspicion).to.deep.equal({ sinceMs: 10_000, silentAgents: 3 })
    expect(rig.state.agents.filter(({ isSilent }) => isSilent).map(({ agentId }) => agentId)).to.deep.equal(
      ids.slice(0, 3),
    )
    expect(rig.offersTo('web').map(({ agentId }) => agentId)).to.have.members(heard)
    pass(1_000, ids)
    expect(rig.state.leader.suspicion).to.equal(undefined)
    expect(rig.offersTo('web').map(({ agentId }) => agentId)).to.have.members(ids)
  })

  it('are not given up one by one when they are cut off together and had spoken at different times', () => {
    for (const [index, id] of ids.entries()) {
      rig.heartbeat({ kind: 'agent', id })
      if (index < 9) rig.advance(200)
    }
    rig.advance(60_000)
    expect(unreachable()).to.deep.equal([])
  })

  it('are given up when an operator says that they are away indeed', () => {
    const heard = ids.slice(4)
    pass(15_000, heard)
    const answer = rig.operate({ kind: 'confirm-silent' })
    expect(answer?.result).to.deep.equal({
      changes: ids
        .slice(0, 4)
        .map(id => ({ subject: `agent ${id}`, field: 'state', from: 'silent', to: 'unreachable' })),
    })
    pass(1_000, heard)
    expect(unreachable()).to.deep.equal(ids.slice(0, 4))
    expect(rig.state.leader.suspicion).to.equal(undefined)
  })

  it('become unreachable at no more than the rate', () => {
    rig = new MasterRig({ agentTimeoutMs: 10_000, maxSilentShare: 1, agentRemovalsPerSecond: 2 })
    for (const id of ids) rig.agent(id, 'cpus:4;mem:1024')
    rig.advance(10_000)
    const after = [unreachable().length]
    for (let second = 0; second < 3; second++) {
      rig.advance(1_000)
      after.push(unreachable().length)
    }
    expect(after).to.deep.equal([2, 4, 6, 8])
  })

  it('are not silent when it was the master that stood still, or its clock that was set', () => {
    rig.advance(9_000)
    for (const step of [3_600_000, -1_800_000]) {
      rig.nowMs += step
      rig.step({ kind: 'tick' })
      expect(unreachable()).to.deep.equal([])
    }
    rig.advance(1_000)
    expect(rig.state.leader.suspicion?.silentAgents).to.equal(10)
  })

  it('are waited for longer between heartbeats in a large cluster, up to two fifths of the timeout', () => {
    const told = rig.master.beacon().agentHeartbeatMs
    for (let index = 10; index < 8_000; index++) rig.agent(`a${index}`, 'cpus:1')
    expect([told, rig.master.beacon()]).to.deep.equal([
      2_500,
      { masterId: 'm1', httpUrl: '', registerWithinMs: 800, agentHeartbeatMs: 3_200 },
    ])
  })
})
