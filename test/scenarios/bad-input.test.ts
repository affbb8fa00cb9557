import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { outcome, TestCluster, type TestScheduler } from '../support/cluster.js'

const task = { taskId: 't1', resources: 'cpus:0.5;mem:128', shell: 'true' }
const whole = { a1: 'cpus:2;mem:1024;ports:[31000-31009]' }

describe('bad input from frameworks', () => {
  let cluster: TestCluster
  let web: TestScheduler

  beforeEach(async () => {
    cluster = new TestCluster()
    cluster.elect()
    await cluster.agent('a1', whole.a1)
    web = await cluster.framework('web')
  })

  it('refuses an accept of an offer that has gone, and says what became of it', async () => {
    const offer = web.take()
    await outcome(cluster, web.scheduler.decline(offer))
    expect(await outcome(cluster, web.scheduler.accept(offer, [task]))).to.match(
      /^invalid-offer: offer 1-1 was declined \d+ ms ago$/,
    )
  })

  it("refuses an accept of another framework's offer, which stays where it is", async () => {
    const thief = await cluster.framework('thief')
    expect(await outcome(cluster, thief.scheduler.accept(web.take(), [task]))).to.equal(
      'not-your-offer: offer 1-1 was not made to framework thief',
    )
    expect(cluster.state.offers.map(({ offerId, frameworkId }) => [offerId, frameworkId])).to.deep.equal([
      ['1-1', 'web'],
    ])
  })

  it('refuses an accept of an offer of another leader', async () => {
    const offer = web.take()
    cluster.elect()
    await cluster.advance(2_000)
    expect(await outcome(cluster, web.scheduler.accept(offer, [task]))).to.equal(
      'stale-offer: offer 1-1 was made by an earlier leader, and ended with it',
    )
  })

  it('leaves offers standing when a message is not of its shape, and takes the next one', async () => {
    const offer = web.take()
    const wrong = { operations: [], filter: { refuseMs: -1 } }
    expect(await outcome(cluster, web.scheduler.acceptWith(offer, wrong))).to.match(/^malformed: accept: /)
    expect(await outcome(cluster, web.scheduler.accept(offer, [task]))).to.deep.equal([
      { taskId: 't1', ok: true },
    ])
    expect(web.rescinded).to.deep.equal([])
  })

  it('tells that an offer has ended that it has answered with a message that is not of its shape', async () => {
    const offer = web.take()
    await outcome(cluster, web.scheduler.decline(offer, { refuseMs: -1 }))
    await cluster.advance(61_000)
    expect(web.rescinded).to.deep.equal([offer.offerId])
  })

  const wrongTasks: [string, object, string, string][] = [
    [
      'more than was offered',
      { resources: 'cpus:3;mem:128' },
      'insufficient-resources',
      'task t1 asks for cpus:3 where cpus:2 is left of the offers',
    ],
    [
      'ports that were not offered',
      { resources: 'cpus:1;ports:[32000-32000]' },
      'insufficient-resources',
      'task t1 asks for ports:[32000-32000] where ports:[31000-31009] is left of the offers',
    ],
    [
      'nothing at all',
      { resources: '' },
      'invalid-task',
      'task t1: resources must hold something, got nothing',
    ],
    [
      'two ways to run',
      { shell: 'true', args: ['true'] },
      'invalid-task',
      'task t1: either shell or args may be given, got both',
    ],
    [
      'a host port that is not in its resources',
      {
        container: { image: 'x', portMappings: [{ containerPort: 80, hostPort: 31_000 }] },
      },
      'invalid-task',
      'task t1: hostPort must be one of the ports in its resources (none), got 31000',
    ],
  ]
  for (const [name, wrong, code, message] of wrongTasks) {
    it(`refuses a task with ${name}; the offer comes back`, async () => {
      const results = await outcome(
        cluster,
        web.scheduler.accept(web.take(), [{ ...task, ...wrong }], { refuseMs: 0 }),
      )
      expect(results).to.deep.equal([{ taskId: 't1', ok: false, code, message }])
      expect(web.offered()).to.deep.equal(whole)
    })
  }

  it('refuses a task id that is known, and launches the others', async () => {
    await outcome(cluster, web.scheduler.accept(web.take(), [task], { refuseMs: 0 }))
    const results = await outcome(
      cluster,
      web.scheduler.accept(web.take(), [task, { ...task, taskId: 't2' }]),
    )
    expect(results).to.deep.equal([
      {
        taskId: 't1',
        ok: false,
        code: 'duplicate-task',
        message: 'a task id is used once; t1 is RUNNING on agent a1',
      },
      { taskId: 't2', ok: true },
    ])
  })

  it('refuses offers of two agents in one accept; both come back', async () => {
    await cluster.agent('a2', whole.a1)
    const offers = [web.take('a1'), web.take('a2')]
    expect(await outcome(cluster, web.scheduler.accept(offers, [task], { refuseMs: 0 }))).to.match(
      /^offers-differ: /,
    )
    expect(Object.keys(web.offered())).to.deep.equal(['a1', 'a2'])
  })

  it('refuses to kill a task that is not known', async () => {
    expect(await outcome(cluster, web.scheduler.kill('t9'))).to.equal(
      'unknown-task: framework web has no task t9',
    )
  })

  it('refuses a framework with an impossible role', async () => {
    const bad = await cluster.framework('bad', { roles: ['a//b'] })
    expect(await outcome(cluster, bad.scheduler.whenSubscribed)).to.equal(
      "invalid-framework: a role's parts between '/' must not be empty, got 'a//b'",
    )
  })
})

describe('bad input from agents', () => {
  const wrong: [string, string, RegExp][] = [
    ['nothing', '', /resources must hold something to offer, got nothing/],
    ['ports beyond 65535', 'cpus:1;ports:[65000-70000]', /ports must be from 1 to 65535, got 65000-70000/],
    ['cpus that are a range', 'cpus:[1-2]', /cpus must be a number, got ranges/],
  ]
  for (const [name, resources, message] of wrong) {
    it(`refuses an agent with ${name}`, async () => {
      const cluster = new TestCluster()
      cluster.elect()
      const agent = await cluster.agent('a1', resources)
      expect(agent.gaveUp).to.match(message)
      expect(cluster.state.agents).to.deep.equal([])
    })
  }
})
