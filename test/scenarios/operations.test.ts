import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, operationOf, taskOf } from '../support/master-rig.js'

const done = { ok: true }

describe('operations on offers', () => {
  let rig: MasterRig

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024;disk:100')
    rig.framework('web', { roles: ['prod'] })
  })

  it('reserves, and launches on what it has reserved, in one accept', () => {
    const reply = rig.accept('web', 'a1', {
      operations: [
        operationOf('reserve', 'cpus(prod,dynamic):2'),
        launchOf(taskOf('t1', 'cpus(prod,dynamic):1;mem:100')),
      ],
    })
    expect(reply).to.deep.equal({
      ok: true,
      result: { tasks: [{ taskId: 't1', ok: true }], operations: [{ kind: 'reserve', ok: true }] },
    })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;cpus(prod,dynamic):1;disk:100;mem:924'])
    expect(rig.sent('agent a1', 'set-resources')).to.deep.equal([
      { resources: { cpus: 2, 'cpus(prod,dynamic)': 2, disk: 100, mem: 1024 }, resourcesRevision: 1 },
    ])
    const orders = rig.received.filter(({ peer, kind }) => peer === 'agent a1' && kind !== 'reply')
    expect(orders.map(({ kind }) => kind)).to.deep.equal(['set-resources', 'launch'])
  })

  it('makes a volume, uses it, and undoes all of it again', () => {
    rig.accept('web', 'a1', {
      operations: [
        operationOf('reserve', 'disk(prod,dynamic):50'),
        operationOf('create', 'disk(prod,dynamic)[data:/data]:20'),
      ],
    })
    expect(rig.offered('web')).to.deep.equal([
      'a1 prod: cpus:4;disk:50;disk(prod,dynamic):30;disk(prod,dynamic)[data:/data]:20;mem:1024',
    ])
    const part = rig.accept('web', 'a1', {
      operations: [launchOf(taskOf('t1', 'cpus:1;disk(prod,dynamic)[data:/data]:5'))],
    })
    expect((part?.result as any)?.tasks[0]).to.include({ ok: false, code: 'invalid-task' })
    rig.accept('web', 'a1', {
      operations: [
        operationOf('destroy', 'disk(prod,dynamic)[data:/data]:20'),
        operationOf('unreserve', 'disk(prod,dynamic):50'),
      ],
    })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;disk:100;mem:1024'])
    expect(rig.state.agents[0]?.resourcesRevision).to.equal(2)
  })

  const refused: [name: string, kind: string, resources: string, code: string][] = [
    ['a static reservation', 'reserve', 'cpus(prod):1', 'invalid-resources'],
    ['a reservation of nothing', 'reserve', '', 'invalid-resources'],
    ['a reservation without a role', 'reserve', 'cpus:1', 'invalid-resources'],
    ["a reservation for somebody else's role", 'reserve', 'cpus(test,dynamic):1', 'invalid-operation'],
    ['a reservation for a role below, at once', 'reserve', 'cpus(prod/x,dynamic):1', 'invalid-operation'],
    ['a refinement without the capability', 'reserve', 'cpus(prod/x<prod,dynamic):1', 'invalid-operation'],
    ['more than there is', 'reserve', 'cpus(prod,dynamic):5', 'insufficient-resources'],
    ['to unreserve what is not reserved', 'unreserve', 'cpus(prod,dynamic):1', 'insufficient-resources'],
    ['a volume of what is not reserved', 'create', 'disk(prod,dynamic)[d:/d]:5', 'insufficient-resources'],
    ['a volume without an id', 'create', 'disk(prod,dynamic):5', 'invalid-resources'],
    ['a volume of memory', 'create', 'mem(prod,dynamic)[d:/d]:5', 'invalid-resources'],
  ]
  for (const [name, kind, resources, code] of refused) {
    it(`refuses ${name}`, () => {
      const reply = rig.accept('web', 'a1', { operations: [operationOf(kind, resources)] })
      expect((reply?.result as any)?.operations[0]).to.include({ kind, ok: false, code })
      expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;disk:100;mem:1024'])
      expect(rig.sent('agent a1', 'set-resources')).to.deep.equal([])
    })
  }

  it('gives a volume an id that is free on its agent', () => {
    rig.accept('web', 'a1', {
      operations: [
        operationOf('reserve', 'disk(prod,dynamic):50'),
        operationOf('create', 'disk(prod,dynamic)[d:/d]:20'),
      ],
    })
    const reply = rig.accept('web', 'a1', {
      operations: [operationOf('create', 'disk(prod,dynamic)[d:/other]:20')],
    })
    expect((reply?.result as any)?.operations).to.deep.equal([
      {
        kind: 'create',
        ok: false,
        code: 'invalid-resources',
        message: "a volume's id is used once on an agent; d is taken",
      },
    ])
  })

  it('does all of an accept or nothing, where asked for, and lets the offers stand', () => {
    const before = rig.state
    const reply = rig.accept('web', 'a1', {
      operations: [
        operationOf('reserve', 'cpus(prod,dynamic):2'),
        launchOf(taskOf('t1', 'cpus:1'), taskOf('t2', 'cpus:2')),
      ],
      allOrNothing: true,
    })
    expect(reply).to.deep.equal({
      ok: false,
      code: 'insufficient-resources',
      message: 'task t2 asks for cpus:2 where cpus:1 is left of the offers',
    })
    expect(rig.state).to.deep.equal(before)
  })

  it('does each part for itself unless told, and says what became of each', () => {
    const reply = rig.accept('web', 'a1', {
      operations: [
        operationOf('reserve', 'cpus(prod,dynamic):9'),
        launchOf(taskOf('t1', 'cpus:1'), taskOf('t2', 'cpus:9')),
      ],
    })
    expect(reply?.result).to.deep.equal({
      tasks: [
        { taskId: 't1', ok: true },
        {
          taskId: 't2',
          ok: false,
          code: 'insufficient-resources',
          message: 'task t2 asks for cpus:9 where cpus:3 is left of the offers',
        },
      ],
      operations: [
        {
          kind: 'reserve',
          ok: false,
          code: 'insufficient-resources',
          message: 'reserve needs cpus:9, of which cpus:4;disk:100;mem:1024 is left of the offers',
        },
      ],
    })
  })

  it('answers an accept that comes twice once more, and does it once', () => {
    rig.registry = 'waits'
    const body = {
      offerIds: rig.offersTo('web').map(({ offerId }) => offerId),
      operations: [operationOf('reserve', 'cpus(prod,dynamic):2'), launchOf(taskOf('t1', 'cpus:1'))],
    }
    rig.call('web', 'accept', body, 'accept-1')
    rig.call('web', 'accept', body, 'accept-1')
    expect(rig.answerTo('accept-1')).to.equal(undefined)
    rig.writeNow()
    rig.call('web', 'accept', body, 'accept-1')
    const replies = rig.received.filter(({ call }) => call === 'accept-1').map(({ body }) => body)
    const result = { tasks: [{ taskId: 't1', ok: true }], operations: [{ kind: 'reserve', ok: true }] }
    expect(replies).to.deep.equal([
      { ...done, result },
      { ...done, result },
    ])
    expect(rig.sent('agent a1', 'launch')).to.have.length(1)
    expect(rig.state.agents[0]?.resourcesRevision).to.equal(1)
  })

  it('holds the offers while the registry is written: nobody else gets them, and they cannot be used again', () => {
    rig.framework('other', { roles: ['prod'] })
    rig.registry = 'waits'
    const offerIds = rig.offersTo('web').map(({ offerId }) => offerId)
    rig.accept('web', 'a1', { operations: [operationOf('reserve', 'cpus(prod,dynamic):2')] })
    const again = rig.call('web', 'accept', { offerIds, operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    expect(again).to.include({ ok: false, code: 'invalid-offer' })
    expect([rig.offered('web'), rig.offered('other')]).to.deep.equal([[], []])
    expect(rig.state.agents[0]).to.deep.include({ free: {}, offered: { cpus: 4, mem: 1024, disk: 100 } })
    rig.writeNow()
    expect([...rig.offered('web'), ...rig.offered('other')]).to.deep.equal([
      'a1 prod: cpus:2;cpus(prod,dynamic):2;disk:100;mem:1024',
    ])
  })

  it('gives everything back when the registry cannot be written', () => {
    rig.registry = 'fails'
    const reply = rig.accept('web', 'a1', {
      operations: [operationOf('reserve', 'cpus(prod,dynamic):2'), launchOf(taskOf('t1', 'cpus:1'))],
    })
    expect(reply).to.deep.equal({
      ok: false,
      code: 'registry-unavailable',
      message: 'the registry could not store the change of agent a1: the disk is full',
    })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;disk:100;mem:1024'])
    expect(rig.state.tasks).to.deep.equal([])
    rig.registry = 'writes'
    const again = rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    expect(again?.result).to.deep.equal({ tasks: [{ taskId: 't1', ok: true }] })
  })

  it('launches a task id once, also while an accept with the same waits for the registry', () => {
    rig.registry = 'waits'
    rig.accept(
      'web',
      'a1',
      { operations: [operationOf('reserve', 'cpus(prod,dynamic):2'), launchOf(taskOf('t1', 'cpus:1'))] },
      'first',
    )
    rig.agent('a2', 'cpus:4;mem:1024')
    rig.writeNow()
    rig.registry = 'waits'
    const second = rig.accept('web', 'a2', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    expect((second?.result as any)?.tasks[0]).to.include({ ok: false, code: 'duplicate-task' })
    expect(rig.state.tasks.map(({ taskId, agentId }) => [taskId, agentId])).to.deep.equal([['t1', 'a1']])
  })

  it('changes an agent by one accept after the other', () => {
    rig.framework('other', { roles: ['test'] })
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))], filter: { refuseMs: 60_000 } })
    rig.accept('other', 'a1', {
      operations: [operationOf('reserve', 'cpus(test,dynamic):1'), launchOf(taskOf('t1', 'mem:1'))],
      filter: { refuseMs: 60_000 },
    })
    rig.update('a1', { frameworkId: 'web', taskId: 't1', state: 'FINISHED' })
    rig.registry = 'waits'
    const calls = ['web', 'other'].flatMap(id => {
      const role = id === 'web' ? 'prod' : 'test'
      return rig.offersTo(id).map(({ offerId }) => {
        const operations = [operationOf('reserve', `mem(${role},dynamic):1`)]
        const callId = `${id}-${offerId}`
        rig.call(id, 'accept', { offerIds: [offerId], operations }, callId)
        return callId
      })
    })
    rig.writeNow()
    for (const call of calls) expect(rig.answerTo(call)).to.deep.include({ ok: true })
    const revision = rig.state.agents[0]?.resourcesRevision
    expect(revision).to.equal(1 + calls.length)
  })

  it('lets several tasks of one accept use a shared volume, and keeps it while one does', () => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024;disk(prod)[d:/d]{shared}:10')
    rig.framework('web', { roles: ['prod'], capabilities: ['shared'] })
    const reply = rig.accept('web', 'a1', {
      operations: [
        launchOf(
          taskOf('t1', 'cpus:1;disk(prod)[d:/d]{shared}:10'),
          taskOf('t2', 'cpus:1;disk(prod)[d:/d]{shared}:10'),
        ),
      ],
    })
    expect((reply?.result as any)?.tasks).to.deep.equal([
      { taskId: 't1', ok: true },
      { taskId: 't2', ok: true },
    ])
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2;disk(prod)[d:/d]{shared}:10;mem:1024'])
    const destroy = { operations: [operationOf('destroy', 'disk(prod)[d:/d]{shared}:10')] }
    expect((rig.accept('web', 'a1', destroy)?.result as any)?.operations[0]).to.include({
      ok: false,
      code: 'resources-in-use',
    })
    for (const taskId of ['t1', 't2']) rig.update('a1', { frameworkId: 'web', taskId, state: 'FINISHED' })
    expect((rig.accept('web', 'a1', destroy)?.result as any)?.operations[0]).to.deep.equal({
      kind: 'destroy',
      ok: true,
    })
    expect(rig.state.agents[0]?.resources).to.deep.equal({ cpus: 4, 'disk(prod)': 10, mem: 1024 })
  })

  it('takes the demand of an accept in the same moment', () => {
    const shapes = [{ count: 2, resources: { cpus: 1 } }]
    rig.accept('web', 'a1', {
      operations: [launchOf(taskOf('t1', 'cpus:1'))],
      demands: [{ role: 'prod', shapes }],
    })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:2'])
    rig.accept('web', 'a1', {
      operations: [operationOf('reserve', 'cpus(prod,dynamic):1'), launchOf(taskOf('t2', 'cpus:1'))],
      demands: [{ role: 'prod', shapes: [{ count: 1, resources: { cpus: 1 } }] }],
    })
    // One is wanted still: what was declared with the accept is not lowered by its own launch.
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus(prod,dynamic):1'])
  })
})
