import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, operationOf, taskOf } from '../support/master-rig.js'

describe('what another leader finds', () => {
  let rig: MasterRig

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'], capabilities: ['gpu'], minAllocatable: 'cpus:1' })
  })

  const failOver = () => {
    rig.elect()
    rig.agent('a1')
    rig.framework('web', { roles: ['prod'], capabilities: ['gpu'], minAllocatable: 'cpus:1' })
  }

  it('weights, quotas, windows, conditions and the whitelist', () => {
    rig.operate({ kind: 'set-weight', role: 'prod', weight: 3 })
    rig.operate({
      kind: 'set-quotas',
      quotas: [
        { role: 'prod', guarantee: { cpus: 1.5 }, limit: { cpus: 9, mem: 0 } },
        { role: 'test', limit: { cpus: 0 } },
      ],
      force: true,
    })
    rig.operate({ kind: 'set-maintenance', agentIds: ['a1'], unavailability: { startMs: 7, durationMs: 8 } })
    rig.operate({ kind: 'deactivate', agentId: 'a1' })
    rig.operate({ kind: 'set-whitelist', hostnames: ['a1', 'a2'] })
    const { roles, agents, whitelist } = rig.state
    failOver()
    expect(rig.state).to.deep.include({ roles, agents, whitelist })
    expect(rig.offered('web')).to.deep.equal([])
  })

  it('which instance of a framework is the newest: an older one is not let in while that may come back', () => {
    rig = new MasterRig({ frameworkTimeoutMs: 15_000 })
    rig.advance(1_000)
    rig.framework('web', { roles: ['prod'] })
    rig.elect()
    const framework = { frameworkId: 'web', name: 'web', roles: ['prod'] }
    const older = () =>
      rig.call('web', 'subscribe', { framework, startedAtMs: 500, received: { session: '', sequence: 0 } })
    const first = older()
    rig.advance(15_000)
    expect([first?.code, first?.message, older()?.ok]).to.deep.equal([
      'not-leader',
      'a newer instance of framework web may be about to subscribe again; ask again',
      true,
    ])
  })

  it('quotas, before it knows what their roles hold: it offers nothing until the agents have come', () => {
    rig.agent('a2', 'cpus:4;mem:1024')
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'prod', limit: { cpus: 5 } }], force: true })
    rig.accept('web', 'a2', { operations: [launchOf(taskOf('t1', 'cpus:4'))] })
    rig.elect()
    rig.agent('a1')
    rig.framework('web', { roles: ['prod'] })
    const before = rig.offered('web')
    rig.agent('a2')
    expect([before, rig.offered('web')]).to.deep.equal([
      [],
      ['a1 prod: cpus:1;mem:1024', 'a2 prod: mem:1024'],
    ])
  })

  it('quotas: it does not wait longer for an agent than until that counts as silent', () => {
    rig = new MasterRig({ agentTimeoutMs: 10_000 })
    for (const id of ['a1', 'a2']) rig.agent(id, 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'prod', limit: { cpus: 5 } }], force: true })
    rig.elect()
    rig.agent('a1')
    rig.framework('web', { roles: ['prod'] })
    rig.advance(9_900)
    const before = rig.offered('web')
    rig.heartbeat({ kind: 'agent', id: 'a1' })
    rig.advance(100)
    expect([before, rig.offered('web')]).to.deep.equal([[], ['a1 prod: cpus:4;mem:1024']])
  })

  it('reservations and volumes, also when the agent has not heard of them', () => {
    rig.deafAgents.add('a1')
    rig.accept('web', 'a1', { operations: [operationOf('reserve', 'cpus(prod,dynamic):2')] })
    rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'mem(test,dynamic)': 24 } })
    rig.deafAgents.clear()
    failOver()
    const resources = { cpus: 2, 'cpus(prod,dynamic)': 2, mem: 1000, 'mem(test,dynamic)': 24 }
    expect(rig.state.agents[0]).to.deep.include({ resources, resourcesRevision: 2 })
    expect(rig.sent('agent a1', 'set-resources').at(-1)).to.deep.equal({ resources, resourcesRevision: 2 })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;cpus(prod,dynamic):2;mem:1000'])
    const orders = rig.sent('agent a1', 'set-resources').length
    failOver()
    expect(rig.sent('agent a1', 'set-resources')).to.have.length(orders)
  })

  it("believes the agent, which has the leader's last word", () => {
    rig.accept('web', 'a1', { operations: [operationOf('reserve', 'cpus(prod,dynamic):2')] })
    rig.elect()
    rig.agent('a1', 'cpus:6;cpus(prod,dynamic):2;mem:1024')
    expect(rig.state.agents[0]).to.deep.include({
      resources: { cpus: 6, 'cpus(prod,dynamic)': 2, mem: 1024 },
      resourcesRevision: 1,
    })
  })

  it('repeats to a deaf agent only the newest of what it is to keep', () => {
    rig.deafAgents.add('a1')
    for (const cpus of [1, 2])
      rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(test,dynamic)': cpus } })
    rig.received.length = 0
    rig.advance(10_000)
    expect(new Set(rig.sent('agent a1', 'set-resources').map(each => each.resourcesRevision))).to.deep.equal(
      new Set([2]),
    )
  })

  it('a drain, whose grace goes on, and which kills what registers after its end', () => {
    const tasks = ['t1', 't2'].map(taskId => taskOf(taskId, 'cpus:1'))
    rig.accept('web', 'a1', { operations: [launchOf(...tasks)] })
    rig.operate({ kind: 'drain', agentId: 'a1', graceMs: 5_000 })
    rig.advance(2_000)
    failOver()
    expect(rig.state.agents[0]).to.deep.include({ condition: 'draining', drainEndsAtMs: 5_000 })
    expect(
      rig.inverseOffers('web').map(({ reason, unavailability }) => [reason, unavailability]),
    ).to.deep.equal([
      ['drain', { startMs: 5_000 }],
      ['drain', { startMs: 5_000 }],
    ])
    rig.advance(3_000)
    const kills = () => rig.sent('agent a1', 'kill').map(({ taskId }) => taskId)
    expect(kills()).to.deep.equal(['t1', 't2'])
    rig.elect()
    rig.advance(1_000)
    rig.agent('a1')
    expect(kills()).to.deep.equal(['t1', 't2', 't1', 't2'])
  })

  it('tasks in the books of their framework before that is back', () => {
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    rig.elect()
    rig.agent('a1')
    expect(rig.state.agents[0]).to.deep.include({ allocated: { cpus: 1 }, free: { cpus: 3, mem: 1024 } })
    rig.framework('other', { roles: ['test'] })
    expect(rig.offered('other')).to.deep.equal(['a1 test: cpus:3;mem:1024'])
  })
})

describe('an agent that registers again with other resources', () => {
  let rig: MasterRig
  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:2;mem:100')
    rig.framework('web', { roles: ['prod'] })
  })

  it('loses only the newest offers that do not fit any more', () => {
    rig.agent('a1', 'cpus:4;mem:300')
    rig.agent('a1', 'cpus:5;mem:300')
    expect(rig.offered('web')).to.deep.equal([
      'a1 prod: cpus:2;mem:100',
      'a1 prod: cpus:2;mem:200',
      'a1 prod: cpus:1',
    ])
    rig.call('web', 'suppress', {})
    rig.agent('a1', 'cpus:3.5;mem:300')
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;mem:100'])
    rig.agent('a1', 'cpus:2;mem:200')
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;mem:100'])
  })

  it('keeps offers that fit when only its attributes change', () => {
    const offers = rig.offersTo('web')
    rig.agent('a1', undefined, { attributes: { rack: 'r2' } })
    expect(rig.offersTo('web')).to.deep.equal(offers)
  })

  it('goes on with tasks that hold more than there is', () => {
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:2'))] })
    rig.agent('a1', 'cpus:1;mem:100')
    expect(rig.state.agents[0]).to.deep.include({ allocated: { cpus: 2 }, offered: { mem: 100 }, free: {} })
    rig.update('a1', { frameworkId: 'web', taskId: 't1', state: 'FINISHED' })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: mem:100', 'a1 prod: cpus:1'])
  })

  const wrong: [resources: string, rule: RegExp][] = [
    ['cpus(prod):[1-2]', /cpus\(prod\) must be a number, got ranges/],
    ['ports(prod):[1-70000]', /ports must be from 1 to 65535, got 1-70000/],
    ['ports:2', /ports must be ranges, got a scalar/],
    ['disk(prod)[d:/a]:1;disk(prod)[d:/b]:1', /a volume's id is used once on an agent, got d twice/],
  ]
  for (const [resources, rule] of wrong) {
    it(`is refused with ${resources}`, () => {
      rig.agent('a2', resources)
      const [reply] = rig.sent('agent a2', 'reply')
      expect(reply).to.include({ ok: false, code: 'invalid-agent' })
      expect(reply.message).to.match(rule)
    })
  }
})
