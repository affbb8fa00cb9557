import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

const reason = 'the docker engine does not answer: ENOENT'

describe("an agent's health", () => {
  it('is told at once when it has changed, and in each heartbeat while it is bad', () => {
    const rig = AgentRig.registered()
    expect(rig.step({ kind: 'health', health: { ok: true } })).to.deep.equal([])
    expect(rig.step({ kind: 'health', health: { ok: false, reason } })).to.deep.equal([
      `send heartbeat (${reason})`,
    ])
    expect(rig.step({ kind: 'health', health: { ok: false, reason } })).to.deep.equal([])
    expect(rig.after(2_500)).to.deep.equal([`send heartbeat (${reason})`])
    expect(rig.step({ kind: 'health', health: { ok: true } })).to.deep.equal(['send heartbeat'])
    expect(rig.after(2_500)).to.deep.equal(['send heartbeat'])
  })

  it('is told with the registration', () => {
    const rig = new AgentRig()
    rig.step({ kind: 'health', health: { ok: false, reason } })
    expect(rig.step({ kind: 'recovered', running: [] })).to.deep.equal([
      `send register register-1 (${reason})`,
    ])
    expect(rig.registration.health).to.deep.equal({ ok: false, reason })
  })
})

describe('what belongs to no task', () => {
  const orphans = ['o1', 'o2'].map(taskId => ({ frameworkId: 'f', taskId }))

  it('is named at each registration, and removed when the leader says so', () => {
    const rig = new AgentRig()
    rig.step({ kind: 'recovered', running: [], orphans })
    expect(rig.registration.orphans).to.deep.equal(orphans)
    const strange = { frameworkId: 'f', taskId: 'never-named' }
    expect(rig.takeRegistration({ removeOrphans: [...orphans.slice(0, 1), strange] })).to.deep.equal([
      'remove-orphan o1',
    ])
    rig.step({ kind: 'reconnected' })
    expect(rig.registration.orphans).to.deep.equal(orphans.slice(1))
  })

  it('is told by another registration, when it is found later', () => {
    const rig = AgentRig.registered('t1')
    const found = [...orphans, { frameworkId: 'f', taskId: 't1' }]
    expect(rig.step({ kind: 'orphans-found', orphans: found })).to.deep.equal(['send register register-2'])
    expect(rig.registration.orphans).to.deep.equal(orphans)
    rig.takeRegistration()
    expect(rig.step({ kind: 'orphans-found', orphans: found })).to.deep.equal([])
  })

  it('becomes a task when its launch comes', () => {
    const rig = new AgentRig()
    rig.step({ kind: 'recovered', running: [], orphans })
    rig.takeRegistration()
    expect(rig.launch('o1')).to.deep.equal(['checkpoint o1 STAGING', 'start o1', 'send reply launch-o1'])
    rig.step({ kind: 'reconnected' })
    expect(rig.registration.orphans).to.deep.equal(orphans.slice(1))
    expect(rig.takeRegistration({ removeOrphans: orphans })).to.deep.equal(['remove-orphan o2'])
  })
})
