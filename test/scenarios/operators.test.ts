import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

const changed = (...changes: object[]) => ({ ok: true, result: { changes } })

describe("operators' calls", () => {
  let rig: MasterRig

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.agent('a2', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
  })

  it('sets a weight, takes all offers back, and makes them again', () => {
    const before = rig.offersTo('web').map(({ offerId }) => offerId)
    expect(rig.operate({ kind: 'set-weight', role: 'prod', weight: 2.5 })).to.deep.equal(
      changed({ subject: 'role prod', field: 'weight', from: '1', to: '2.5' }),
    )
    expect(rig.sent('framework web', 'rescind').flatMap(({ offerIds }) => offerIds)).to.deep.equal(before)
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;mem:1024', 'a2 prod: cpus:4;mem:1024'])
    expect(rig.state.roles.map(({ role, weight }) => [role, weight])).to.deep.equal([['prod', 2.5]])
  })

  it('knows a role from the moment that somebody names it, until nobody does', () => {
    rig.operate({ kind: 'set-weight', role: 'test', weight: 2 })
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'eng/x', limit: { cpus: 0 } }] })
    rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(batch,dynamic)': 1 } })
    const roles = () => rig.state.roles.map(({ role }) => role)
    expect(roles()).to.deep.equal(['batch', 'eng/x', 'prod', 'test'])
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'eng/x' }, { role: 'nobody' }] })
    rig.operate({ kind: 'set-weight', role: 'nobody', weight: 1 })
    expect(rig.operate({ kind: 'reset-role', role: 'test' })).to.deep.equal(
      changed({ subject: 'role test', field: 'weight', from: '2', to: '1' }),
    )
    rig.operate({ kind: 'unreserve', agentId: 'a1', resources: { 'cpus(batch,dynamic)': 1 } })
    expect(roles()).to.deep.equal(['prod'])
    expect([...rig.records.keys()].filter(key => key.startsWith('role.'))).to.deep.equal([])
  })

  it('sets a quota, shows what is consumed of it, and takes back what stands in its way', () => {
    const reply = rig.operate({
      kind: 'set-quotas',
      quotas: [{ role: 'test', guarantee: { cpus: 3 }, limit: { cpus: 5 } }],
    })
    expect(reply).to.deep.equal(
      changed(
        { subject: 'role test', field: 'guarantee', to: 'cpus:3' },
        { subject: 'role test', field: 'limit', to: 'cpus:5' },
      ),
    )
    // The newest that helps, and no more.
    expect(rig.sent('framework web', 'rescind').flatMap(({ offerIds }) => offerIds)).to.deep.equal(['1-2'])
    rig.framework('tests', { roles: ['test'] })
    expect(rig.state.roles.find(({ role }) => role === 'test')).to.deep.include({
      quota: { guarantee: { cpus: 3 }, limit: { cpus: 5 }, consumed: { cpus: 3 } },
    })
  })

  it('removes a quota by setting neither', () => {
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'prod', limit: { cpus: 9 } }] })
    expect(rig.operate({ kind: 'set-quotas', quotas: [{ role: 'prod' }] })).to.deep.equal(
      changed({ subject: 'role prod', field: 'limit', from: 'cpus:9' }),
    )
    expect(rig.state.roles[0]).to.not.have.property('quota')
  })

  it('reserves what is free or offered, taking back only the offers that hold it', () => {
    const reply = rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(test,dynamic)': 3 } })
    expect(reply).to.deep.equal(
      changed({ subject: 'agent a1', field: 'reserved', to: 'cpus(test,dynamic):3' }),
    )
    expect(rig.sent('framework web', 'rescind').flatMap(({ offerIds }) => offerIds)).to.deep.equal(['1-1'])
    expect(rig.offered('web')).to.deep.equal(['a2 prod: cpus:4;mem:1024', 'a1 prod: cpus:1;mem:1024'])
    expect(rig.sent('agent a1', 'set-resources')).to.deep.equal([
      { resources: { cpus: 1, 'cpus(test,dynamic)': 3, mem: 1024 }, resourcesRevision: 1 },
    ])
    expect(rig.state.roles.find(({ role }) => role === 'test')?.reserved).to.deep.equal({
      'cpus(test,dynamic)': 3,
    })
  })

  it('lets nobody have what an operator is reserving, while the registry is written', () => {
    rig.registry = 'waits'
    rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(test,dynamic)': 3 } })
    rig.framework('other', { roles: ['prod'] })
    rig.advance(1_000)
    expect([...rig.offered('web'), ...rig.offered('other')]).to.deep.equal(['a2 prod: cpus:4;mem:1024'])
    rig.writeNow()
    expect([...rig.offered('web'), ...rig.offered('other')].toSorted()).to.deep.equal([
      'a1 prod: cpus:1;mem:1024',
      'a2 prod: cpus:4;mem:1024',
    ])
  })

  it('changes nothing when the registry cannot be written, and offers again', () => {
    rig.registry = 'fails'
    const calls: OperatorCall[] = [
      { kind: 'set-weight', role: 'prod', weight: 3 },
      { kind: 'set-quotas', quotas: [{ role: 'prod', limit: { cpus: 9 } }] },
      { kind: 'reserve', agentId: 'a1', resources: { 'cpus(test,dynamic)': 3 } },
      { kind: 'drain', agentId: 'a1' },
      { kind: 'remove-agent', agentId: 'a1' },
      { kind: 'set-whitelist', hostnames: ['a2'] },
      { kind: 'set-maintenance', agentIds: ['a1'], unavailability: { startMs: 5 } },
    ]
    const { roles, agents, whitelist } = rig.state
    for (const call of calls)
      expect(rig.operate(call), call.kind).to.include({ ok: false, code: 'registry-unavailable' })
    const after = rig.state
    expect([after.roles, after.agents, after.whitelist]).to.deep.equal([roles, agents, whitelist])
  })

  it('offers only agents of the whitelist; standing offers stay', () => {
    const whitelist = (hostnames?: string[]) =>
      rig.operate({ kind: 'set-whitelist', ...(hostnames ? { hostnames } : {}) })
    expect(whitelist(['a2'])).to.deep.equal(
      changed({ subject: 'cluster', field: 'whitelist', from: 'all', to: 'a2' }),
    )
    expect(rig.offered('web')).to.have.length(2)
    for (const { offerId } of rig.offersTo('web'))
      rig.call('web', 'decline', { offerIds: [offerId], filter: { refuseMs: 0 } })
    expect(rig.offered('web')).to.deep.equal(['a2 prod: cpus:4;mem:1024'])
    whitelist()
    expect(rig.offered('web')).to.have.length(2)
    expect(rig.state.whitelist).to.equal(undefined)
  })

  it('removes an agent for good: its tasks have ended, and it is refused', () => {
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    expect(rig.operate({ kind: 'remove-agent', agentId: 'a1' })).to.deep.equal(
      changed({ subject: 'agent a1', field: 'state', from: 'registered', to: 'gone' }),
    )
    expect(rig.state.agents.map(({ agentId }) => agentId)).to.deep.equal(['a2'])
    expect(
      rig.sent('framework web', 'update').map(({ status }) => [status.state, status.reason]),
    ).to.deep.equal([['GONE_BY_OPERATOR', 'AGENT_REMOVED_BY_OPERATOR']])
    expect(rig.offered('web')).to.deep.equal(['a2 prod: cpus:4;mem:1024'])
    rig.agent('a1')
    expect(rig.sent('agent a1', 'reply').at(-1)).to.deep.equal({
      ok: false,
      code: 'invalid-agent',
      message:
        'agent a1 was removed by an operator, and is not let in again: its host needs a new work directory, and so a new id',
    })
    rig.elect()
    rig.agent('a1')
    expect(rig.state.agents.map(({ agentId }) => agentId)).to.deep.equal(['a2'])
  })

  it('removes an agent that may return: it comes as a new one, and its tasks are killed', () => {
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    rig.operate({ kind: 'remove-agent', agentId: 'a1', mayReturn: true })
    expect([...rig.records.keys()].toSorted()).to.deep.equal(['agent.a2', 'framework.web'])
    rig.agent('a1')
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([{ frameworkId: 'web', taskId: 't1' }])
    // Until it has ended, it holds what it holds.
    expect(rig.state.agents[0]?.taskCount).to.equal(1)
    rig.update('a1', { frameworkId: 'web', taskId: 't1', state: 'KILLED' })
    expect(rig.state.agents.map(({ agentId, taskCount }) => [agentId, taskCount])).to.deep.equal([
      ['a1', 0],
      ['a2', 0],
    ])
  })

  const onA1 = (kind: any, resources: object): OperatorCall =>
    ({ kind, agentId: 'a1', resources }) as OperatorCall
  const refused: [name: string, call: OperatorCall, code: string, message: RegExp][] = [
    [
      'the weight of what is no role',
      { kind: 'set-weight', role: 'a//b', weight: 1 },
      'invalid-role',
      /must not be empty, got 'a\/\/b'/,
    ],
    ['to reset a role that is not there', { kind: 'reset-role', role: 'x' }, 'unknown-role', /no role x/],
    [
      'a quota of a kind',
      { kind: 'set-quotas', quotas: [{ role: 'prod', limit: { 'cpus(prod)': 1 } }] },
      'invalid-quota',
      /plain names.*cpus\(prod\)/,
    ],
    [
      'a guarantee above its limit',
      {
        kind: 'set-quotas',
        quotas: [{ role: 'x', guarantee: { cpus: 2 }, limit: { cpus: 1 } }],
        force: true,
      },
      'invalid-quota',
      /./,
    ],
    [
      'a role twice',
      { kind: 'set-quotas', quotas: [{ role: 'x', limit: { cpus: 1 } }, { role: 'x' }] },
      'invalid-quota',
      /x twice/,
    ],
    [
      'a guarantee beyond the cluster, and the others with it',
      {
        kind: 'set-quotas',
        quotas: [
          { role: 'y', guarantee: { cpus: 1 } },
          { role: 'x', guarantee: { cpus: 99 } },
        ],
      },
      'quota-unsatisfiable',
      /./,
    ],
    [
      'a limit below what is held',
      { kind: 'set-quotas', quotas: [{ role: 'prod', limit: { cpus: 0.5 } }] },
      'quota-exceeded',
      /./,
    ],
    ['an agent that is not there', { kind: 'drain', agentId: 'a9' }, 'unknown-agent', /a9 is not known/],
    [
      'a window for agents of which one is not there',
      { kind: 'set-maintenance', agentIds: ['a1', 'a9'], unavailability: { startMs: 5 } },
      'unknown-agent',
      /a9/,
    ],
    [
      'a static reservation',
      onA1('reserve', { 'cpus(prod)': 1 }),
      'invalid-resources',
      /cpus\(prod,dynamic\)/,
    ],
    ['no resources', onA1('reserve', {}), 'invalid-resources', /got nothing/],
    ['a key that is none', onA1('reserve', { 'cpus(': 1 }), 'invalid-resources', /./],
    [
      'more than there is',
      onA1('reserve', { 'cpus(prod,dynamic)': 9 }),
      'insufficient-resources',
      /has no cpus:9/,
    ],
    ['what tasks hold', onA1('reserve', { 'cpus(prod,dynamic)': 4 }), 'resources-in-use', /tasks hold/],
    [
      'to undo a reservation that is not there',
      onA1('unreserve', { 'cpus(prod,dynamic)': 1 }),
      'unknown-reservation',
      /has no cpus\(prod,dynamic\):1/,
    ],
    ['to undo what is not reserved', onA1('unreserve', { cpus: 1 }), 'invalid-resources', /as reserved/],
    [
      'a volume of disk that is not reserved',
      onA1('create-volumes', { 'disk(prod,dynamic)[d:/d]': 1 }),
      'insufficient-resources',
      /./,
    ],
    [
      'to destroy a volume that is not there',
      onA1('destroy-volumes', { 'disk(prod,dynamic)[d:/d]': 1 }),
      'unknown-reservation',
      /./,
    ],
  ]
  for (const [name, call, code, message] of refused) {
    it(`refuses ${name}, and changes nothing`, () => {
      rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
      const [before, records] = [rig.state, structuredClone([...rig.records])]
      const reply = rig.operate(call)
      expect(reply).to.include({ ok: false, code })
      expect(reply?.message).to.match(message)
      expect(rig.state).to.deep.equal(before)
      expect([...rig.records]).to.deep.equal(records)
    })
  }

  it('refuses a reservation beyond a limit', () => {
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'test', limit: { cpus: 2 } }] })
    const reserve = (cpus: number) =>
      rig.operate({ kind: 'reserve', agentId: 'a1', resources: { 'cpus(test,dynamic)': cpus } })
    expect(reserve(3)).to.include({ ok: false, code: 'quota-exceeded' })
    expect(reserve(2)).to.include({ ok: true })
  })
})
