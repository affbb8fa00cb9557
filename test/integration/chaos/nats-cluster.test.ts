import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { ChaosCluster } from '../../support/chaos/chaos-cluster.js'
import type { TaskContainer } from '../../support/chaos/container-ledger.js'
import { promisesHold } from '../../support/chaos/promises.js'
import { requireEngine } from '../../support/engine.js'

/** The servers elect leaders of their own, and a lease of 10 s may have to end twice before a master leads. */
const patienceMs = 60_000

describe('chaos: three nats-servers with three copies of everything', function () {
  this.timeout(150_000)
  let cluster: ChaosCluster
  let running: readonly TaskContainer[]

  before(async function () {
    const engine = await requireEngine(this)
    cluster = await ChaosCluster.start({ engine, brokers: 3 })
    await cluster.deploy('web', 3)
    await cluster.witness.launch('agent-1', 'stays-1')
    await settles()
  })

  after(async () => {
    await cluster?.dispose()
  })

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await cluster.mend()
  })

  const settles = async () => {
    await promisesHold(cluster, running, patienceMs)
    running = await cluster.ledger.running()
  }

  const buckets = { registry: 'the registry', leader: 'the lease' }
  for (const [bucket, what] of Object.entries(buckets)) {
    it(`kill -9 of the server that leads ${what}: the two others go on`, async () => {
      const master = await cluster.leader()
      const server = await cluster.brokers.leaderOf(`tender-${cluster.name}-${bucket}`)
      const [fails, meanwhile] = [`fails-${bucket}`, `meanwhile-${bucket}`]
      await cluster.witness.launch('agent-2', fails)
      await cluster.kill9(server.name)
      await cluster.end(fails, 9)
      await cluster.witness.hears(fails, 'FAILED 9')
      await cluster.witness.launch('agent-3', meanwhile)
      await settles()
      await cluster.restart(server.name)
      await cluster.end(meanwhile, 0)
      await settles()
      expect(await cluster.leader(), 'no master was deposed').to.equal(master)
    })
  }

  it('an instance ends while the server that leads its state is dead: one takes its place', async () => {
    const victim = running.find(({ frameworkId }) => frameworkId === 'service')
    if (!victim) throw new Error('no instance runs')
    const server = await cluster.brokers.leaderOf(`tender-${cluster.name}-service`)
    await cluster.kill9(server.name)
    await cluster.killContainer(victim)
    await settles()
    await cluster.restart(server.name)
    await settles()
  })

  it('two of three servers die: nothing durable can be stored, and nothing is lost', async () => {
    const [one, two] = cluster.brokers.servers.map(({ name }) => name)
    await cluster.witness.launch('agent-1', 'in-the-minority')
    await cluster.kill9(one ?? '')
    await cluster.kill9(two ?? '')
    await cluster.end('in-the-minority', 4)
    for (const name of [one, two]) cluster.part(name ?? '').start()
    await cluster.brokers.areReady()
    await cluster.witness.hears('in-the-minority', 'FAILED 4')
    await settles()
  })

  it('kill -9 of the leading master: the standby leads when the lease has ended', async () => {
    const [leader, standby] = [await cluster.leader(), await cluster.standby()]
    const leads = cluster.part(standby).saysAgain('elected leader')
    await cluster.kill9(leader)
    await leads
    await settles()
    await cluster.restart(leader)
    await settles()
  })
})
