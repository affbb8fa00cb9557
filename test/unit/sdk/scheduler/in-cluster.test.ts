import type { LaunchResult } from '@tender/sdk'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { outcome, type TestAgent, TestCluster, type TestScheduler } from '../../../support/cluster.js'

/** In a cluster of real cores, under virtual time. */
describe('a scheduler whose leader dies', () => {
  let cluster: TestCluster
  let agent: TestAgent
  let web: TestScheduler

  beforeEach(async () => {
    cluster = new TestCluster()
    cluster.elect()
    agent = await cluster.agent('a1', 'cpus:2;mem:1024')
    web = await cluster.framework('web')
  })

  const launch = (taskId: string) =>
    web.scheduler.accept(web.take(), [{ taskId, resources: 'cpus:1', shell: 'serve' }], { refuseMs: 0 })

  it('has a task killed although the order was lost with the leader', async () => {
    await outcome(cluster, launch('t1'))
    agent.transport.become('disconnected')
    expect(await outcome(cluster, web.scheduler.kill('t1'))).to.equal(undefined)
    cluster.elect()
    await cluster.advance(2_000)
    agent.transport.become('connected')
    await cluster.advance(10_000)
    expect(web.states('t1')).to.deep.equal(['RUNNING', 'KILLING', 'KILLED'])
    expect(cluster.state.tasks.filter(({ state }) => state === 'RUNNING')).to.deep.equal([])
  })

  it('is told once how its tasks are, when nothing has changed', async () => {
    await outcome(cluster, launch('t1'))
    for (let leader = 0; leader < 3; leader++) {
      cluster.elect()
      await cluster.advance(5_000)
    }
    expect(web.states('t1')).to.deep.equal(['RUNNING'])
  })

  it('hears that a task is gone whose launch was lost with the leader', async () => {
    agent.transport.become('disconnected')
    const [launched] = (await outcome(cluster, launch('t1'))) as readonly LaunchResult[]
    expect(launched?.ok).to.equal(true)
    cluster.elect()
    await cluster.advance(2_000)
    agent.transport.become('connected')
    await cluster.advance(10_000)
    expect(web.states('t1')).to.deep.equal(['GONE'])
    expect(agent.started).to.deep.equal([])
  })

  it('learns from the next leader what became of an accept', async () => {
    const answer = launch('t1')
    // The order reaches the agent; the answer, and all else, is lost.
    await cluster.advance(1)
    web.transport.become('disconnected')
    await cluster.advance(10)
    cluster.elect()
    web.transport.become('connected')
    await cluster.advance(20_000)
    expect(await outcome(cluster, answer)).to.deep.equal([{ taskId: 't1', ok: true }])
    expect(web.states('t1')).to.deep.equal(['RUNNING'])
    expect(agent.started).to.have.length(1)
  })

  it('loses nothing by an accept that the dead leader never had', async () => {
    const offer = web.take()
    cluster.killMaster()
    const answer = web.scheduler.accept(offer, [{ taskId: 't1', resources: 'cpus:1', shell: 'serve' }])
    cluster.elect()
    await cluster.advance(5_000)
    const [refused] = (await outcome(cluster, answer)) as readonly LaunchResult[]
    expect(refused).to.include({ taskId: 't1', ok: false, code: 'stale-offer' })
    expect(web.offered()).to.deep.equal({ a1: 'cpus:2;mem:1024' })
    await outcome(cluster, launch('t2'))
    expect(web.states('t2')).to.deep.equal(['RUNNING'])
  })
})

describe('a scheduler that was replaced while it stood still', () => {
  for (const [name, meanwhile] of [
    ['under the same leader', () => {}],
    ['under another leader', (cluster: TestCluster) => cluster.elect()],
  ] as const) {
    it(`${name}, is told so when it wakes up, and ends`, async () => {
      const cluster = new TestCluster()
      cluster.elect()
      const older = await cluster.framework('web')
      older.transport.become('disconnected')
      await cluster.advance(20_000)
      const newer = await cluster.framework('web')
      meanwhile(cluster)
      await cluster.advance(5_000)
      older.transport.become('connected')
      await cluster.advance(5_000)
      expect([older.failures, newer.failures]).to.deep.equal([['replaced'], []])
      expect(cluster.state.frameworks.map(({ state }) => state)).to.deep.equal(['connected'])
    })
  }

  it('also when it is the first to reach another leader: the newer one wins', async () => {
    const cluster = new TestCluster()
    cluster.elect()
    const older = await cluster.framework('web')
    older.transport.become('disconnected')
    await cluster.advance(20_000)
    const newer = await cluster.framework('web')
    newer.transport.become('disconnected')
    cluster.elect()
    older.transport.become('connected')
    await cluster.advance(3_000)
    expect(older.failures).to.deep.equal([])
    newer.transport.become('connected')
    await cluster.advance(3_000)
    expect([older.failures, newer.failures]).to.deep.equal([['replaced'], []])
  })
})
