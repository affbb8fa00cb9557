import { expect } from 'chai'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { busyboxImage } from '../support/engine.js'
import { LedAgent } from '../support/led-agent.js'
import { useNats } from '../support/nats.js'
import { OwnDockerd } from '../support/own-dockerd.js'

describe('an agent whose docker engine is killed', function () {
  this.timeout(90_000)
  const nats = useNats()
  let engine: OwnDockerd
  let agent: LedAgent

  beforeEach(async function () {
    engine = await OwnDockerd.create(this)
    agent = await LedAgent.create(nats().url)
  })

  afterEach(async () => {
    await agent?.dispose()
    await engine?.dispose()
  })

  const start = (...flags: string[]) =>
    agent.start('--resources', 'cpus:4;mem:512', '--docker-host', engine.host, ...flags)

  function task(taskId: string, shell: string) {
    const container = { image: busyboxImage, network: 'none' as const }
    return { taskId, resources: { cpus: 0.1, mem: 32 }, args: ['sh', '-c', shell], container }
  }

  const untilGo = (exitCode: number) =>
    `while [ ! -e /mnt/tender/sandbox/go ]; do sleep 0.02; done; exit ${exitCode}`
  const go = (taskId: string) => mkdir(join(agent.workDir, 'sandboxes/f', taskId, 'go'))
  const isWell = (ok: boolean) =>
    agent.until(`health is ${ok}`, () => (agent.health.ok === ok ? true : undefined))

  it('is not well until it is back; containers run on, and each exit is told with its code', async () => {
    await start('--containerizers', 'docker')
    await agent.run(task('ends-meanwhile', untilGo(3)))
    await agent.run(task('ends-later', untilGo(4)))
    await engine.kill()
    await isWell(false)
    expect(agent.health.reason).to.include('the docker engine does not answer: ')
    agent.order(task('comes-meanwhile', 'exit 0'))
    const refused = await agent.reaches('comes-meanwhile', 'FAILED')
    expect(refused.reason).to.equal('CONTAINER_LAUNCH_FAILED')
    await go('ends-meanwhile')

    await engine.start()
    await isWell(true)
    expect((await agent.reaches('ends-meanwhile', 'FAILED')).exitCode).to.equal(3)
    await go('ends-later')
    expect((await agent.reaches('ends-later', 'FAILED')).exitCode).to.equal(4)
    await agent.run(task('comes-later', untilGo(0)))
    await go('comes-later')
    await agent.reaches('comes-later', 'FINISHED')
  })

  it('has neither two containers nor none of a task that was being started', async () => {
    await start('--containerizers', 'docker')
    const taskIds = ['s1', 's2', 's3', 's4', 's5', 's6']
    for (const taskId of taskIds) agent.order(task(taskId, untilGo(0)))
    await agent.until('one is answered', () => (agent.answered.size > 0 ? true : undefined))
    await engine.kill()
    await isWell(false)
    await engine.start()
    await isWell(true)
    for (const taskId of taskIds) {
      const outcome = await agent.until(`${taskId} runs or has failed`, () =>
        agent.statesOf(taskId).find(state => state === 'RUNNING' || state === 'FAILED'),
      )
      if (outcome === 'FAILED') continue
      await go(taskId)
      await agent.reaches(taskId, 'FINISHED')
    }
    for (const taskId of taskIds) expect(agent.statesOf(taskId)).to.have.length.at.most(2)
  })

  for (const flags of [[], ['--containerizers', 'docker']]) {
    it(`starts while it is away, waits for it, and adopts its tasks then (${flags.join(' ') || 'auto'})`, async () => {
      await start(...flags)
      await agent.run(task('runs-on', untilGo(5)))
      await agent.run(task('ends-meanwhile', untilGo(6)))
      await agent.kill()
      await engine.kill()
      await go('ends-meanwhile')

      const { tasks, agent: info } = await start(...flags)
      expect(tasks.map(({ taskId, state }) => `${taskId} ${state}`)).to.have.members([
        'runs-on RUNNING',
        'ends-meanwhile RUNNING',
      ])
      expect(info.containerizers).to.include('docker')
      await isWell(false)
      agent.killTask('runs-on')
      expect([agent.statesOf('runs-on'), agent.statesOf('ends-meanwhile')]).to.deep.equal([
        ['RUNNING'],
        ['RUNNING'],
      ])

      await engine.start()
      await isWell(true)
      expect((await agent.reaches('ends-meanwhile', 'FAILED')).exitCode).to.equal(6)
      await agent.reaches('runs-on', 'KILLED')
      expect(agent.isAlive).to.equal(true)
    })
  }
})
