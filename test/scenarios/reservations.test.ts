import { expect } from 'chai'
import { describe, it } from 'mocha'
import { outcome, TestCluster } from '../support/cluster.js'

describe('reservations, from end to end', () => {
  it('outlive the leader and the agent, and tasks go on upon them', async () => {
    const cluster = new TestCluster()
    cluster.elect()
    const agent = await cluster.agent('a1', 'cpus:2;mem:1024;disk:100')
    const db = await cluster.framework('db', { roles: ['db'] })
    const volume = 'disk(db,dynamic)[data:/data]:10'
    const made = await outcome(
      cluster,
      db.scheduler.acceptWith(db.take(), {
        operations: [
          { reserve: 'cpus(db,dynamic):1;disk(db,dynamic):40' },
          { create: volume },
          {
            launch: [{ taskId: 't1', resources: `cpus(db,dynamic):1;mem:10;${volume}`, shell: 'serve' }],
          },
        ],
        filter: { refuseMs: 3_600_000 },
      }),
    )
    expect(made).to.deep.equal({
      tasks: [{ taskId: 't1', ok: true }],
      operations: [
        { kind: 'reserve', ok: true },
        { kind: 'create', ok: true },
      ],
    })
    await cluster.operate({ kind: 'reserve', agentId: 'a1', resources: { 'mem(db,dynamic)': 24 } })
    agent.crash()
    cluster.elect()
    await cluster.advance(1_000)
    agent.start()
    await cluster.advance(2_000)
    expect(cluster.state.agents[0]).to.deep.include({
      resources: {
        cpus: 1,
        'cpus(db,dynamic)': 1,
        disk: 60,
        'disk(db,dynamic)': 30,
        'disk(db,dynamic)[data:/data]': 10,
        mem: 1000,
        'mem(db,dynamic)': 24,
      },
      resourcesRevision: 2,
      allocated: { 'cpus(db,dynamic)': 1, 'disk(db,dynamic)[data:/data]': 10, mem: 10 },
    })
    expect(agent.started).to.deep.equal(['t1'])
    expect(db.offered()).to.deep.equal({
      a1: 'cpus:1;disk:60;disk(db,dynamic):30;mem:990;mem(db,dynamic):24',
    })
  })
})
