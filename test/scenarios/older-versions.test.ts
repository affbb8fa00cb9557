import { encode, unpack } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { outcome, type TestAgent, TestCluster, type TestScheduler } from '../support/cluster.js'
import { OlderEnd } from '../support/previous-version/older-end.js'
import { messages } from '../support/previous-version/version-1.js'

type Process = 'leader' | 'agent' | 'framework'

/** A cluster in which processes that start are of version 1 while they are named in `older`. */
class MixedCluster extends TestCluster {
  readonly older = new Set<Process>()
  readonly ends: OlderEnd[] = []

  constructor(older: readonly Process[]) {
    super()
    this.older = new Set(older)
    this.connect = process => {
      const transport = this.broker.connect()
      if (this.older.has(process)) this.ends.push(new OlderEnd(process, transport))
      return transport
    }
  }

  /** Of the one that was started last. */
  get end(): OlderEnd {
    return this.ends.at(-1) ?? expect.fail('nobody is of version 1')
  }

  get problems(): string[] {
    return this.ends.flatMap(({ problems }) => problems)
  }

  /** In which versions the leader speaks with whom. */
  get spoken(): Record<string, number | undefined> {
    const { agents, frameworks } = this.master.state
    return Object.fromEntries(
      [...agents, ...frameworks].map(
        ([id, { link }]: [string, { link: { version: number } | undefined }]) => [id, link?.version],
      ),
    )
  }
}

const shell = 'sleep 1000'
const noFilter = { refuseMs: 0 }

describe('version 1 and the leader of today', () => {
  let cluster: MixedCluster
  let agent: TestAgent
  let web: TestScheduler
  let agentEnd: OlderEnd
  let webEnd: OlderEnd

  beforeEach(async () => {
    cluster = new MixedCluster(['agent', 'framework'])
    cluster.elect()
    agent = await cluster.agent('a1', 'cpus:4;mem:1024;disk:100')
    agentEnd = cluster.end
    web = await cluster.framework('web', { roles: ['web'] })
    webEnd = cluster.end
  })

  const launch = async (taskId: string, resources = 'cpus:1;mem:10') =>
    await outcome(cluster, web.scheduler.accept(web.take(), [{ taskId, resources, shell }], noFilter))

  it('understand each other in all that is said', async () => {
    await launch('t1')
    await launch('t2')
    const tooMuch = await launch('t3', 'cpus:100')
    await cluster.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(web,dynamic)': 1 } })
    cluster.step({
      kind: 'read-log',
      requestId: 'r1',
      request: { frameworkId: 'web', taskId: 't1', stream: 'stdout', offset: 0, maxBytes: 100 },
    })
    await outcome(cluster, web.scheduler.reconcile())
    await cluster.operate({
      kind: 'set-maintenance',
      agentIds: ['a1'],
      unavailability: { startMs: 9_000_000 },
    })
    await cluster.operate({ kind: 'set-maintenance', agentIds: ['a1'] })
    agentEnd.loses = 'kill'
    const killed = outcome(cluster, web.scheduler.kill('t1'))
    await cluster.advance(20_000)
    await killed
    webEnd.loses = 'offers'
    await cluster.operate({ kind: 'set-weight', role: 'web', weight: 2 })
    await cluster.advance(20_000)
    await cluster.operate({ kind: 'drain', agentId: 'a1', graceMs: 1_000 })
    await cluster.advance(3_000)
    await cluster.operate({ kind: 'tear-down', frameworkId: 'web' })
    await cluster.advance(1_000)
    expect({
      problems: cluster.problems,
      tooMuch: (tooMuch as readonly { code?: string }[]).map(({ code }) => code),
      states: [web.states('t1').at(-1), web.states('t2').at(-1)],
      failures: web.failures,
      toAgent: [...agentEnd.heard].toSorted(),
      toFramework: [...webEnd.heard].toSorted(),
    }).to.deep.equal({
      problems: [],
      tooMuch: ['insufficient-resources'],
      states: ['KILLED', 'KILLED'],
      failures: ['unknown-framework'],
      toAgent: ['beacon', ...Object.keys(messages.leaderToAgent)].toSorted(),
      toFramework: ['beacon', ...Object.keys(messages.leaderToFramework)].toSorted(),
    })
  })

  it('agree about an accept of offers that an earlier leader made', async () => {
    const offer = web.take()
    cluster.elect()
    await cluster.advance(1_000)
    const stale = await outcome(
      cluster,
      web.scheduler.accept(offer, [{ taskId: 't1', resources: 'cpus:1', shell }]),
    )
    await cluster.advance(2_000)
    await launch('t2')
    expect([stale, web.states('t2'), cluster.problems]).to.deep.equal([
      'invalid-offer: offer 1-1 was made by an earlier leader, and ended with it',
      ['RUNNING'],
      [],
    ])
  })

  it('find all again when an agent, a framework or the leader was restarted', async () => {
    await launch('t1')
    agent.crash()
    cluster.elect()
    agent.start()
    await cluster.advance(12_000)
    expect([cluster.state.tasks.map(({ taskId, state }) => [taskId, state]), cluster.problems]).to.deep.equal(
      [[['t1', 'RUNNING']], []],
    )
  })
})

describe('an agent and a framework of today, and a leader of version 1', () => {
  let cluster: MixedCluster

  beforeEach(() => {
    cluster = new MixedCluster(['leader'])
    cluster.elect()
  })

  it('fall back to its version, and run tasks', async () => {
    const agent = await cluster.agent('a1', 'cpus:2;mem:100')
    const web = await cluster.framework('web')
    await outcome(
      cluster,
      web.scheduler.accept(web.take(), [{ taskId: 't1', resources: 'cpus:1', shell }], noFilter),
    )
    agent.step({ kind: 'health', health: { ok: false, reason: 'no engine' } })
    await cluster.advance(3_000)
    const killed = outcome(cluster, web.scheduler.kill('t1'))
    await cluster.advance(3_000)
    await killed
    const { problems, refused } = cluster.end
    expect({ problems, refused, spoken: cluster.spoken, states: web.states('t1') }).to.deep.equal({
      problems: [],
      refused: ['register', 'subscribe'],
      spoken: { a1: 1, web: 1 },
      states: ['RUNNING', 'KILLING', 'KILLED'],
    })
  })

  it('are let in at once when they were upgraded in place: it tells the life that it knew', async () => {
    cluster.older.add('agent').add('framework')
    const agent = await cluster.agent('a1', 'cpus:2;mem:100')
    await cluster.framework('web')
    agent.crash()
    cluster.older.clear()
    agent.start()
    await cluster.advance(10)
    const newer = await cluster.framework('web')
    expect({
      spoken: cluster.spoken,
      session: cluster.master.state.agents.get('a1')?.session,
      offers: newer.offered(),
      problems: cluster.problems,
    }).to.deep.equal({
      spoken: { a1: 1, web: 1 },
      session: 'a1-2',
      offers: { a1: 'cpus:2;mem:100' },
      problems: [],
    })
  })

  it('speak the newest version again with the next leader that reads it', async () => {
    await cluster.agent('a1', 'cpus:2;mem:100')
    await cluster.framework('web')
    const before = cluster.spoken
    cluster.older.clear()
    cluster.elect()
    await cluster.advance(2_000)
    expect([before, cluster.spoken]).to.deep.equal([
      { a1: 1, web: 1 },
      { a1: 2, web: 2 },
    ])
  })
})

describe('a peer of a newer version than the leader', () => {
  it('is told so in a version that it reads, and not in the name of the life before', async () => {
    const cluster = new TestCluster()
    cluster.elect()
    await cluster.agent('a1', 'cpus:1')
    const heard: unknown[] = []
    const transport = cluster.broker.connect()
    transport.subscribe('tender.test.agent.a1', bytes => heard.push(unpack(bytes)))
    const register = { v: 3, kind: 'register', session: 'newer', sequence: 1, epoch: 0, call: 'c1', body: {} }
    transport.publish('tender.test.master.agent.a1', encode(register))
    await cluster.advance(10)
    const message = 'this end speaks versions 1 to 2, got 3'
    expect(heard).to.deep.equal([
      {
        v: 2,
        kind: 'reply',
        session: '1-2',
        sequence: 1,
        epoch: 1,
        to: 'newer',
        call: 'c1',
        body: { ok: false, code: 'unsupported-version', message },
      },
    ])
  })

  it('is asked to synchronise in the version that it speaks', async () => {
    const cluster = new TestCluster()
    cluster.elect()
    const heard: unknown[] = []
    const transport = cluster.broker.connect()
    for (const to of ['agent', 'framework'])
      transport.subscribe(`tender.test.${to}.p1`, bytes => heard.push((unpack(bytes) as { v: number }).v))
    const heartbeat = {
      kind: 'heartbeat',
      session: 's1',
      sequence: 1,
      epoch: 1,
      body: { received: { session: '', sequence: 0 } },
    }
    for (const v of [1, 2])
      for (const from of ['agent', 'framework'])
        transport.publish(`tender.test.master.${from}.p1`, encode({ ...heartbeat, v }))
    await cluster.advance(10)
    expect(heard).to.deep.equal([1, 1, 2, 2])
  })
})

describe('an upgrade, and the way back', () => {
  const orders: Process[][] = [
    ['leader', 'agent', 'framework'],
    ['leader', 'framework', 'agent'],
    ['agent', 'leader', 'framework'],
    ['agent', 'framework', 'leader'],
    ['framework', 'leader', 'agent'],
    ['framework', 'agent', 'leader'],
  ]
  for (const order of orders) {
    it(`goes on without the loss of a task, first ${order.join(', then ')}`, async () => {
      const cluster = new MixedCluster(order)
      cluster.elect()
      const agent = await cluster.agent('a1', 'cpus:4;mem:100')
      let web = await cluster.framework('web')
      const restart = async (process: Process) => {
        if (process === 'leader') cluster.elect()
        else if (process === 'framework') {
          await web.transport.close()
          web = await cluster.framework('web')
        } else {
          agent.crash()
          agent.start()
        }
        await cluster.advance(3_000)
      }
      const launched: string[] = []
      const launch = async () => {
        const taskId = `t${launched.length + 1}`
        launched.push(taskId)
        await outcome(
          cluster,
          web.scheduler.accept(web.take(), [{ taskId, resources: 'cpus:0.1', shell }], noFilter),
        )
        await cluster.advance(1_000)
      }
      await launch()
      for (const process of order) {
        cluster.older.delete(process)
        await restart(process)
        await launch()
      }
      const upgraded = cluster.spoken
      for (const process of order) {
        cluster.older.add(process)
        await restart(process)
        await launch()
      }
      expect({
        upgraded,
        spoken: cluster.spoken,
        problems: cluster.problems,
        started: agent.started,
        tasks: cluster.state.tasks.map(({ taskId, state }) => `${taskId} ${state}`).toSorted(),
      }).to.deep.equal({
        upgraded: { a1: 2, web: 2 },
        spoken: { a1: 1, web: 1 },
        problems: [],
        started: launched,
        tasks: launched.map(taskId => `${taskId} RUNNING`),
      })
    })
  }
})
