import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { RunningCluster, type RunningFramework } from '../support/running-cluster.js'

/** What a broken disk may leave of a record. */
const damages: readonly ((text: string) => string)[] = [
  text => text.slice(0, text.length / 2),
  text => text.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 1) % 10)),
  () => '',
  () => '{"v":1}',
]

describe('a leader that finds a damaged record in the registry', function () {
  this.timeout(60_000)
  let cluster: RunningCluster
  let web: RunningFramework

  before(async () => {
    cluster = await RunningCluster.start(
      { a1: 'cpus:2;mem:256;disk:0', a2: 'cpus:1;mem:256;disk:0' },
      { standby: true },
    )
    web = await cluster.framework('web')
    await web.holds({ a1: '', a2: '' })
    await web.launch('a1', 'cpus:1;mem:32', 'task-1')
    await cluster.ask('PUT /roles/prod', { weight: 3 })
    await cluster.ask('PUT /whitelist', { hostnames: ['a1.test', 'a2.test'] })
    await cluster.ask('POST /agents/a2/deactivate', {})
  })

  after(() => cluster.dispose())

  const keys = ['agent.a1', 'agent.a2', 'cluster.settings', 'framework.web', 'role.prod']

  it('knows the records that are to be damaged', async () => {
    const entries = await cluster.withRegistry(store => store.list())
    expect(entries.map(({ key }) => key)).to.deep.equal(keys)
  })

  for (const [index, key] of keys.entries()) {
    it(`leads, names it, and keeps the others: ${key}`, async () => {
      const whole = await cluster.withRegistry(async store => {
        const value = (await store.get(key))?.value ?? ''
        await store.put(key, damages[index % damages.length]?.(value) ?? '')
        return value
      })
      await cluster.killLeader()
      await cluster.startStandby()
      expect(cluster.leaderHasSaid(`"key":"${key}"`)).to.equal(true)
      const { body: state } = await cluster.ask('GET /state')
      const known = {
        agents: state.agents.map(({ agentId, condition }: any) => [agentId, condition]),
        weight: state.roles.find(({ role }: any) => role === 'prod')?.weight,
        whitelist: state.whitelist,
        tasks: state.tasks.map(({ taskId, agentId, state: is }: any) => [taskId, agentId, is]),
      }
      expect(known).to.deep.equal({
        // The agents are there all the same; what an operator has said of a damaged one is lost.
        agents: [
          ['a1', undefined],
          ['a2', key === 'agent.a2' ? undefined : 'deactivated'],
        ],
        weight: key === 'role.prod' ? undefined : 3,
        whitelist: key === 'cluster.settings' ? undefined : ['a1.test', 'a2.test'],
        tasks: [['task-1', 'a1', 'RUNNING']],
      })
      await cluster.withRegistry(store => store.put(key, whole))
    })
  }
})
