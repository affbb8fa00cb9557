import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

describe("an agent's registration", () => {
  it('is sent at once at its start, and again, ever less often, until it is answered', () => {
    const rig = new AgentRig()
    expect(rig.step({ kind: 'recovered', running: [] })).to.deep.equal(['send register register-1'])
    expect(rig.timesOf('register', 20_000)).to.deep.equal([300, 800, 1_800, 3_800, 7_800, 12_800, 17_800])
    rig.takeRegistration()
    expect(rig.timesOf('register', 5_000)).to.deep.equal([])
  })

  it('is repeated later when so many agents register that they are spread over a time', () => {
    const rig = AgentRig.registered()
    rig.elect()
    rig.beacon({ registerWithinMs: 800 })
    const [first = 0, ...later] = rig.timesOf('register', 20_000)
    expect(first).to.be.at.most(900)
    expect(later.map(ms => ms - first)).to.deep.equal([4_000, 9_000, 14_000, 19_000])
  })

  it('is not repeated for the first beacon, if it was sent just before', () => {
    const rig = new AgentRig()
    rig.step({ kind: 'recovered', running: [] })
    expect(rig.beacon()).to.deep.equal([])
    rig.after(300)
    expect(rig.beacon({}, 2)).to.deep.equal(['send register register-2'])
  })

  it('is sent to a new leader at once when nothing else is asked', () => {
    const rig = AgentRig.registered()
    rig.elect()
    expect(rig.beacon()).to.deep.equal(['send register register-2'])
    expect(rig.beacon()).to.deep.equal([])
  })

  it('comes from all agents evenly within the time that the beacon says, at another place after each election', () => {
    const agents = Array.from({ length: 1_000 }, (_, index) => `agent-${index}`)
    const timesOf = (epoch: number) =>
      agents.map(agentId => {
        const rig = new AgentRig(agentId)
        rig.step({ kind: 'recovered', running: [] })
        rig.takeRegistration()
        rig.beacon({ registerWithinMs: 10_000 }, epoch)
        return rig.timesOf('register', 10_100)[0] ?? expect.fail(`${agentId} has not registered`)
      })
    const times = timesOf(2)
    const perSecond = Array.from({ length: 10 }, (_, second) =>
      times.filter(ms => Math.ceil(ms / 1_000) === second + 1 || (ms === 0 && second === 0)),
    )
    for (const { length } of perSecond) expect(length).to.be.within(70, 130)
    expect(timesOf(2)).to.deep.equal(times)
    expect(timesOf(3).filter((ms, index) => ms === times[index]).length).to.be.below(50)
  })

  const together: [why: string, act: (rig: AgentRig) => string[]][] = [
    ['the connection to NATS is back', rig => rig.step({ kind: 'reconnected' })],
    ['the leader asks for it', rig => rig.hear('resynchronise', { reason: 'test' })],
  ]
  for (const [why, act] of together) {
    it(`is spread over the last known time, too, when ${why}`, () => {
      const rig = AgentRig.registered()
      rig.beacon({ registerWithinMs: 10_000 })
      expect(act(rig)).to.deep.equal([])
      expect(rig.timesOf('register', 10_100)).not.to.deep.equal([])
    })
  }

  it('does not let an older leader in while it waits', () => {
    const rig = AgentRig.registered('t1')
    rig.beacon({ registerWithinMs: 10_000 }, 2)
    expect([rig.kill('t1'), rig.beacon({}, 1)]).to.deep.equal([[], []])
  })

  it('is repeated when a newer leader answers what another one has answered before', () => {
    const rig = AgentRig.registered()
    rig.elect()
    const answer = { ok: true, result: { heartbeatMs: 2_500 } }
    expect(rig.hear('reply', answer, { call: 'register-1' })).to.deep.equal(['send register register-2'])
  })

  it('is asked for again when no leader was heard for 10 s', () => {
    const rig = AgentRig.registered()
    expect(rig.timesOf('register', 12_000)[0]).to.equal(10_000)
  })

  it('tells of each task when its framework had first subscribed', () => {
    const rig = AgentRig.registered()
    rig.launch('t1', { since: 7 })
    rig.launch('t2')
    rig.step({ kind: 'reconnected' })
    const task = { frameworkId: 'f', role: 'r', resources: { cpus: 1 }, state: 'STAGING', launchedAtMs: 0 }
    expect(rig.registration.tasks).to.deep.equal([
      { ...task, taskId: 't1', frameworkSince: 7 },
      { ...task, taskId: 't2' },
    ])
    const restarted = new AgentRig('a1', rig.disk)
    restarted.step({ kind: 'recovered', running: [] })
    expect(restarted.registration.tasks).to.deep.equal(rig.registration.tasks)
  })
})

describe("an agent's heartbeats", () => {
  it('come as often as the leader has told', () => {
    const rig = AgentRig.registered()
    expect(rig.timesOf('heartbeat', 8_000)).to.deep.equal([2_500, 5_000, 7_500])
  })

  it('come as often as the beacon says, when it says so; else as before', () => {
    const rig = AgentRig.registered()
    const says = (agentHeartbeatMs?: number) => () =>
      rig.beacon(agentHeartbeatMs === undefined ? {} : { agentHeartbeatMs })
    expect(rig.timesOf('heartbeat', 15_000, says(5_000))).to.deep.equal([2_500, 7_500, 12_500])
    expect(rig.timesOf('heartbeat', 3_000, says(1_000))).to.deep.equal([16_100, 17_100])
    expect(rig.timesOf('heartbeat', 5_000, says())).to.deep.equal([18_100, 19_100, 21_600])
  })

  it('are left out when something else was said, but for each third', () => {
    const rig = AgentRig.registered()
    const speaks = () => {
      rig.beacon()
      rig.kill('nobody')
    }
    expect(rig.timesOf('heartbeat', 16_000, speaks)).to.deep.equal([7_300, 14_600])
  })
})
