import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { ChaosCluster } from '../../support/chaos/chaos-cluster.js'
import { answered } from '../../support/chaos/chaos-process.js'
import type { TaskContainer } from '../../support/chaos/container-ledger.js'
import { promisesHold } from '../../support/chaos/promises.js'
import { chaosNetwork } from '../../support/chaos/require.js'
import { requireEngine } from '../../support/engine.js'

/** After it, an agent's tasks are UNREACHABLE. */
const agentSilenceMs = 10_000

describe('chaos: one fault after another', function () {
  this.timeout(90_000)
  let cluster: ChaosCluster
  let running: readonly TaskContainer[]
  let hasNetwork = false

  before(async function () {
    this.timeout(90_000)
    const engine = await requireEngine(this)
    const network = await chaosNetwork()
    hasNetwork = network !== undefined
    cluster = await ChaosCluster.start({ engine, network })
    await cluster.deploy('web', 4)
    for (const [index, agentId] of cluster.agentIds.entries())
      await cluster.witness.launch(agentId, `stays-${index + 1}`)
    await settles()
  })

  after(async () => {
    await cluster?.dispose()
  })

  // A story that has failed must not leave a part frozen, dead or cut off for the next one.
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await cluster.mend()
  })

  const settles = async () => {
    await promisesHold(cluster, running)
    running = await cluster.ledger.running()
  }

  it('kill -9 of the leader: the standby leads, and nothing else changes', async () => {
    const [leader, standby] = [await cluster.leader(), await cluster.standby()]
    await cluster.kill9(leader)
    expect(await cluster.leader()).to.equal(standby)
    await settles()
    await cluster.restart(leader)
    await settles()
  })

  it('kill -9 of the leader while tasks are launched: each runs once, or never', async () => {
    const leader = await cluster.leader()
    const launched = cluster.witness.order('agent-1', 'between-1', 'between-2', 'between-3')
    await answered('the first has started', async () => {
      return cluster.ledger.find('start', { frameworkId: 'witness', taskId: 'between-1' })
    })
    await cluster.kill9(leader)
    await launched
    await settles()
    await cluster.restart(leader)
    await Promise.all(['between-1', 'between-2', 'between-3'].map((id, code) => cluster.end(id, code)))
    await settles()
  })

  it('kill -9 of the standby: nobody notices', async () => {
    const [leader, standby] = [await cluster.leader(), await cluster.standby()]
    await cluster.kill9(standby)
    await cluster.witness.launch('agent-2', 'without-standby')
    await cluster.end('without-standby', 3)
    await cluster.restart(standby)
    await settles()
    expect(await cluster.leader()).to.equal(leader)
  })

  it('a leader that is frozen for longer than its lease wakes up, and leads no more', async () => {
    const [leader, standby] = [await cluster.leader(), await cluster.standby()]
    const takesOver = cluster.part(standby).saysAgain('elected leader')
    cluster.part(leader).pause()
    await takesOver
    await cluster.witness.launch('agent-1', 'under-the-new-leader')
    const steps = cluster.part(leader).saysAgain('no longer leader')
    cluster.part(leader).resume()
    await steps
    await cluster.end('under-the-new-leader', 0)
    await settles()
    expect(await cluster.leader()).to.equal(standby)
  })

  for (const [index, agentId] of ['agent-1', 'agent-2', 'agent-3'].entries()) {
    it(`kill -9 of ${agentId}: what ends meanwhile is reported, what runs is adopted`, async () => {
      const [fails, finishes, killed] = [`fails-${index}`, `finishes-${index}`, `killed-${index}`]
      await cluster.witness.launch(agentId, fails, finishes, killed)
      await cluster.kill9(agentId)
      await cluster.end(fails, 40 + index)
      await cluster.end(finishes, 0)
      await cluster.witness.kill(killed)
      await cluster.restart(agentId)
      await cluster.witness.hears(fails, `FAILED ${40 + index}`)
      await cluster.witness.hears(finishes, 'FINISHED 0')
      await cluster.witness.hears(killed, 'KILLED 143')
      await settles()
    })
  }

  it('kill -9 of an agent while it launches: each task runs once, or is reported', async () => {
    const ids = ['half-1', 'half-2', 'half-3', 'half-4']
    const ordered = cluster.witness.order('agent-2', ...ids)
    await answered('the first has started', async () => {
      return cluster.ledger.find('start', { frameworkId: 'witness', taskId: 'half-1' })
    })
    await cluster.kill9('agent-2')
    await ordered
    await cluster.restart('agent-2')
    await settles()
  })

  it('a frozen agent is UNREACHABLE, told once, and RUNNING again when it wakes up', async () => {
    const told = cluster.witness.statesOf('stays-1')
    cluster.part('agent-1').pause()
    await cluster.witness.hears('stays-1', 'UNREACHABLE')
    cluster.part('agent-1').resume()
    await cluster.witness.hears('stays-1', 'RUNNING')
    await settles()
    expect(cluster.witness.statesOf('stays-1')).to.deep.equal([...told, 'UNREACHABLE', 'RUNNING'])
  })

  it('kill -9 of the service framework: its instances run on, and are its own again', async () => {
    await cluster.kill9('service')
    await cluster.restart('service')
    await settles()
  })

  it('an instance ends while the service framework is frozen: one takes its place', async () => {
    const victim = running.find(({ frameworkId }) => frameworkId === 'service')
    if (!victim) throw new Error('no instance runs')
    cluster.part('service').pause()
    await cluster.killContainer(victim)
    await answered('the master knows', async () => {
      const { tasks } = await cluster.state()
      return tasks.find(({ taskId, state }) => taskId === victim.taskId && state === 'FAILED')
    })
    cluster.part('service').resume()
    running = running.filter(task => task !== victim)
    await settles()
  })

  it('kill -9 of nats: with its data it comes back, and everybody to it', async () => {
    await cluster.witness.launch('agent-3', 'without-nats')
    await cluster.kill9('nats')
    await cluster.end('without-nats', 5)
    await cluster.restart('nats')
    await cluster.witness.hears('without-nats', 'FAILED 5')
    await settles()
  })

  it('nats frozen for longer than an agent may be silent: no agent is called unreachable for it', async () => {
    const told = cluster.witness.statesOf('stays-2')
    await cluster.witness.launch('agent-2', 'in-the-ice')
    const isFoundDead = cluster.part('agent-2').saysAgain('NATS is disconnected')
    cluster.part('nats').pause()
    await cluster.end('in-the-ice', 6)
    await isFoundDead
    await delay(agentSilenceMs / 2)
    cluster.part('nats').resume()
    await cluster.witness.hears('in-the-ice', 'FAILED 6')
    await settles()
    expect(cluster.witness.statesOf('stays-2')).to.deep.equal(told)
  })

  it('an agent that is cut off without a word: what happened meanwhile is made good', async function () {
    if (!hasNetwork) return this.skip()
    const ids = ['cut-ends', 'cut-killed', 'cut-stays']
    await cluster.witness.launch('agent-2', ...ids)
    await cluster.cutOff('agent-2', 'silent')
    await cluster.witness.order('agent-2', 'cut-launched')
    await cluster.end('cut-ends', 7)
    await cluster.witness.kill('cut-killed')
    await cluster.witness.hears('cut-stays', 'UNREACHABLE')
    await cluster.rejoin('agent-2')
    await cluster.witness.hears('cut-ends', 'FAILED 7')
    await cluster.witness.hears('cut-killed', 'KILLED 143')
    await cluster.witness.hears('cut-stays', 'RUNNING')
    await settles()
    await cluster.end('cut-stays', 0)
    await settles()
  })

  it('an agent that hears and cannot speak: as if it were cut off', async function () {
    if (!hasNetwork) return this.skip()
    await cluster.witness.launch('agent-3', 'mute-ends', 'mute-stays')
    await cluster.cutOff('agent-3', 'mute')
    await cluster.end('mute-ends', 8)
    await cluster.witness.hears('mute-stays', 'UNREACHABLE')
    await cluster.rejoin('agent-3')
    await cluster.witness.hears('mute-ends', 'FAILED 8')
    await cluster.witness.hears('mute-stays', 'RUNNING')
    await cluster.end('mute-stays', 0)
    await settles()
  })

  it('kill -9 of all but nats, at once: each task is found again', async () => {
    const parts = [...cluster.masterNames, ...cluster.agentIds, 'service']
    await Promise.all(parts.map(name => cluster.kill9(name)))
    await cluster.end('stays-1', 1)
    await Promise.all(parts.map(name => cluster.restart(name)))
    await cluster.witness.hears('stays-1', 'FAILED 1')
    await settles()
  })

  // The check of the checks, last: what it does to the cluster cannot be mended.
  describe('what the checks see', () => {
    const broken = async () =>
      await promisesHold(cluster, running, 1_000).then(
        () => 'no promise is broken',
        (error: Error) => error.message,
      )

    it('a container that nobody asked for', async () => {
      const stranger = await cluster.startStranger('agent-1', 'stranger')
      expect(await broken())
        .to.include('nobody asked for stranger/stranger on agent-1')
        .and.include('the engine has stranger/stranger on agent-1, the master has not')
        .and.include('the engine has stranger/stranger, the checkpoint of agent-1 has not')
      cluster.ended.add('stranger/stranger')
      await stranger.remove({ force: true })
      expect(await broken()).to.equal('no promise is broken')
    })

    it('an update that is told twice', async () => {
      const { updates } = cluster.witness
      const [status] = updates.filter(({ taskId, sequence }) => taskId === 'stays-2' && sequence === 1)
      if (status) updates.push(status)
      expect(await broken()).to.include('the updates of stays-2 came as 1, 1')
      updates.pop()
    })

    it('an exit that nobody was told of', async () => {
      const { updates } = cluster.witness
      const last = updates.findIndex(({ taskId, state }) => taskId === 'stays-1' && state === 'FAILED')
      const [told] = updates.splice(last, 1)
      expect(await broken()).to.include('stays-1 ended with 1, and the witness heard')
      if (told) updates.splice(last, 0, { ...told, exitCode: 0 })
      expect(await broken()).to.include('stays-1 ended with 1, and FAILED 0 (COMMAND_EXITED) was told')
      if (told) updates.splice(last, 1, told)
      expect(await broken()).to.equal('no promise is broken')
    })

    it('a container that ends unasked, and is started again', async () => {
      const victim = running.find(({ taskId }) => taskId === 'stays-2')
      await cluster.restartContainer(victim?.containerId ?? '')
      expect(await broken())
        .to.include('nobody has ended witness/stays-2, and its container ended with')
        .and.include('witness/stays-2 was started more than once')
    })
  })
})
