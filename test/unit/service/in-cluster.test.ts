import { expect } from 'chai'
import { Scheduler, silentLog } from '@tender/sdk'
import { MemoryStore, type MemoryTransport, SeededRandom } from '@tender/sdk/testing'
import { beforeEach, describe, it } from 'mocha'
import { ServiceCore } from '../../../frameworks/service/core/index.js'
import { validateDefinition } from '../../../frameworks/service/definition/index.js'
import { ServiceShell } from '../../../frameworks/service/service-shell.js'
import { Journal, ServiceStore } from '../../../frameworks/service/store/index.js'
import { TestCluster } from '../../support/cluster.js'

const web = { id: '/web', container: { docker: { image: 'web' } }, cpus: 0.5, mem: 64, instances: 3 }

describe('service: in a cluster of real cores, under virtual time', () => {
  let cluster: TestCluster
  let service: TestService

  beforeEach(async () => {
    cluster = new TestCluster()
    cluster.elect()
    for (const id of ['a1', 'a2', 'a3']) await cluster.agent(id, 'cpus:2;mem:1024;ports:[31000-31009]')
    service = await TestService.start(cluster, new MemoryStore())
  })

  it('runs an app on three agents, and holds no offer afterwards', async () => {
    await service.put(web)
    expect(service.agentsOfRunning()).to.deep.equal(['a1', 'a2', 'a3'])
    expect(cluster.state.offers).to.deep.equal([])
  })

  it('replaces a container that is killed by hand within 2 s', async () => {
    await service.put(web)
    const [taskId = ''] = service.running()
    cluster.agents.get('a1')?.exit('service', taskId, { exitCode: 137 })
    await cluster.advance(2_000)
    expect(service.running()).to.have.length(3).and.not.include(taskId)
  })

  it('scales both ways, and deletes', async () => {
    await service.put(web)
    await service.put({ ...web, instances: 5 })
    expect(service.running()).to.have.length(5)
    await service.put({ ...web, instances: 2 })
    expect(service.running()).to.have.length(2)
    await service.delete('/web')
    expect(service.running()).to.deep.equal([])
    expect(await service.store.list()).to.deep.equal([])
  })

  it('starts nothing twice when the master, the framework or an agent is replaced', async () => {
    await service.put(web)
    const before = service.running()
    cluster.elect()
    await cluster.advance(5_000)
    expect(service.running()).to.deep.equal(before)
    service = await service.restart()
    await cluster.advance(5_000)
    expect(service.running()).to.deep.equal(before)
    cluster.agents.get('a2')?.crash()
    cluster.agents.get('a2')?.start()
    await cluster.advance(5_000)
    expect(service.running()).to.deep.equal(before)
    expect([...cluster.agents.values()].flatMap(agent => agent.started)).to.have.members(before)
  })

  it('replaces what ended while neither master nor framework were there', async () => {
    await service.put(web)
    const [taskId = ''] = service.running()
    service.crash()
    cluster.killMaster()
    cluster.agents.get('a1')?.exit('service', taskId, { exitCode: 1 })
    await cluster.advance(5_000)
    cluster.elect()
    service = await service.restart()
    await cluster.advance(5_000)
    expect(service.running()).to.have.length(3).and.not.include(taskId)
  })

  it('says so when a newer instance takes its place, and stops acting', async () => {
    await service.put(web)
    await cluster.advance(10)
    const newer = await TestService.start(cluster, service.store)
    await cluster.advance(1_000)
    expect(service.failures).to.have.length(1)
    expect(String(service.failures[0])).to.contain('newer')
    expect(newer.running()).to.have.length(3)
  })
})

/** The service's parts over the cluster's in-memory transport. */
class TestService {
  readonly cluster: TestCluster
  readonly store: MemoryStore
  readonly failures: unknown[] = []
  readonly #shell: ServiceShell
  readonly #transport: MemoryTransport
  static #starts = 0

  private constructor(cluster: TestCluster, store: MemoryStore) {
    this.cluster = cluster
    this.store = store
    this.#transport = cluster.broker.connect()
    const random = new SeededRandom(++TestService.#starts)
    this.#shell = new ServiceShell({
      core: new ServiceCore({ role: '*', nextId: () => random.hex(12) }),
      journal: new Journal(new ServiceStore(store), cluster.clock, silentLog),
      role: '*',
      clock: cluster.clock,
      log: silentLog,
      onFailed: reason => this.failures.push(reason),
    })
  }

  static async start(cluster: TestCluster, store: MemoryStore): Promise<TestService> {
    const service = new TestService(cluster, store)
    service.#shell.tell({ kind: 'recovered', ...(await new ServiceStore(store).load()) })
    const scheduler = new Scheduler(
      {
        ...service.#shell.handlers,
        nats: service.#transport,
        cluster: 'test',
        clock: cluster.clock,
        framework: { frameworkId: 'service', name: 'service', roles: ['*'] },
        suppressedRoles: ['*'],
      },
      service.#transport,
      silentLog,
    )
    service.#shell.start(scheduler)
    await cluster.advance(1_000)
    return service
  }

  /** As if the process had been killed. */
  crash(): void {
    this.#shell.stop()
    void this.#transport.close()
  }

  async restart(): Promise<TestService> {
    this.crash()
    return await TestService.start(this.cluster, this.store)
  }

  async put(definition: object): Promise<void> {
    const validated = validateDefinition(definition, '*')
    if (!validated.ok) throw new Error(JSON.stringify(validated.problems))
    const current = this.#shell.app(validated.definition.id)
    const expected = current ? { version: current.record.version } : 'absent'
    void this.#shell.putApp(validated.definition, expected)
    await this.cluster.advance(1_000)
  }

  async delete(appId: string): Promise<void> {
    void this.#shell.deleteApp(appId)
    await this.cluster.advance(1_000)
  }

  running(): string[] {
    return [...this.cluster.agents.values()].flatMap(({ running }) =>
      [...running].map(key => key.replace('service/', '')),
    )
  }

  agentsOfRunning(): string[] {
    return [...this.cluster.agents.values()].filter(({ running }) => running.size > 0).map(({ id }) => id)
  }
}
