import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { outcome, TestCluster } from '../support/cluster.js'

const agentText = 'cpus:2;mem:1024;ports:[31000-31009]'

describe('offers', () => {
  let cluster: TestCluster

  beforeEach(async () => {
    cluster = new TestCluster()
    cluster.elect()
    await cluster.agent('a1', agentText)
  })

  it('offers the whole free rest of an agent, in one role, with its attributes and a deadline', async () => {
    const web = await cluster.framework('web', { roles: ['prod'] })
    const { offerId, madeAtMs, expiresAtMs, resources, ...offer } = web.take()
    expect(offer).to.deep.equal({
      frameworkId: 'web',
      role: 'prod',
      agentId: 'a1',
      hostname: 'a1.test',
      attributes: {},
      containerizers: ['docker', 'process'],
    })
    expect(String(resources)).to.equal('cpus:2;mem:1024;ports:[31000-31009]')
    expect(expiresAtMs).to.equal(madeAtMs + 60_000)
    expect(offerId).to.equal('1-1')
  })

  it('offers the resources to one framework at a time', async () => {
    const first = await cluster.framework('first')
    const second = await cluster.framework('second')
    expect([first.offered(), second.offered()]).to.deep.equal([{ a1: agentText }, {}])
  })

  it('offers what was declined to the next framework at once, and to the same one after 5 s', async () => {
    const first = await cluster.framework('first')
    const second = await cluster.framework('second')
    await outcome(cluster, first.scheduler.decline(first.take()))
    expect([first.offered(), second.offered()]).to.deep.equal([{}, { a1: agentText }])
    await outcome(cluster, second.scheduler.decline(second.take()))
    await cluster.advance(4_900)
    expect([first.offered(), second.offered()]).to.deep.equal([{}, {}])
    await cluster.advance(200)
    expect(first.offered()).to.deep.equal({ a1: agentText })
  })

  it('takes an offer back at its deadline, tells the framework, and records it', async () => {
    const web = await cluster.framework('web')
    const { offerId } = web.take()
    await cluster.advance(60_100)
    expect(web.rescinded).to.deep.equal([offerId])
    expect(web.offered()).to.deep.equal({ a1: agentText })
    const [ended] = cluster.state.recentOffers
    expect(ended).to.include({ offerId, state: 'expired' })
    // Deadlines are looked at ten times a second.
    expect(ended?.ageMs).to.be.within(60_000, 60_100)
  })

  it('offers nothing to a suppressed role, and again after a revival', async () => {
    const web = await cluster.framework('web', { suppressedRoles: ['*'] })
    expect(web.offered()).to.deep.equal({})
    await outcome(cluster, web.scheduler.revive())
    expect(web.offered()).to.deep.equal({ a1: agentText })
  })

  it('tells unsuppress from clearFilters: each does one of the two things that revive does', async () => {
    const web = await cluster.framework('web')
    await outcome(cluster, web.scheduler.decline(web.take(), { refuseMs: 3_600_000 }))
    await outcome(cluster, web.scheduler.suppress())
    await outcome(cluster, web.scheduler.unsuppress())
    expect(web.offered()).to.deep.equal({})
    await outcome(cluster, web.scheduler.clearFilters())
    expect(web.offered()).to.deep.equal({ a1: agentText })
  })

  it('refuses to suppress a role that the framework is not in', async () => {
    const web = await cluster.framework('web', { roles: ['prod'] })
    expect(await outcome(cluster, web.scheduler.suppress(['test']))).to.equal(
      "unknown-role: roles must be among the framework's own (prod), got test",
    )
  })

  it('serves roles, and frameworks inside a role, by dominant share', async () => {
    const [web, api, batch] = [
      await cluster.framework('web', { roles: ['online'], suppressedRoles: ['online'] }),
      await cluster.framework('api', { roles: ['online'], suppressedRoles: ['online'] }),
      await cluster.framework('batch', { roles: ['offline'], suppressedRoles: ['offline'] }),
    ]
    for (const { scheduler } of [web, api, batch]) void scheduler.unsuppress()
    await cluster.advance(10)
    // All went to the first who asked; from now on, who has least comes first.
    for (const id of ['a2', 'a3', 'a4']) await cluster.agent(id, agentText)
    expect([web, api, batch].map(framework => framework.offers.map(({ agentId }) => agentId))).to.deep.equal([
      ['a1'],
      ['a4'],
      ['a2', 'a3'],
    ])
  })

  it('rescinds the offers of an agent that has fallen silent', async () => {
    const web = await cluster.framework('web')
    const { offerId } = web.take()
    cluster.agents.get('a1')?.transport.become('disconnected')
    await cluster.advance(12_500)
    expect(web.rescinded).to.deep.equal([offerId])
    expect(cluster.state.agents.map(({ agentId, state }) => [agentId, state])).to.deep.equal([
      ['a1', 'unreachable'],
    ])
    cluster.agents.get('a1')?.transport.become('connected')
    await cluster.advance(1_000)
    expect(web.offered()).to.deep.equal({ a1: agentText })
  })

  it('gives the offers of a framework that leaves to the others', async () => {
    const first = await cluster.framework('first')
    const second = await cluster.framework('second')
    await first.scheduler.close()
    await cluster.advance(10)
    expect(second.offered()).to.deep.equal({ a1: agentText })
  })
})
