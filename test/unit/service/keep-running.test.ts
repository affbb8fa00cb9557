import { expect } from 'chai'
import { describe, it } from 'mocha'
import { World } from './support/world.js'

const web = { id: '/web', cmd: './serve', cpus: 0.5, mem: 64, instances: 3 }

describe('service: keeping apps running', () => {
  it('runs as many instances as are wanted', () => {
    const world = new World()
    world.put(web)
    expect(world.running()).to.have.length(3)
    expect(world.waiting('/web')).to.equal(undefined)
  })

  it('spreads the instances of an app over agents', () => {
    const world = new World()
    world.put({ ...web, instances: 6 })
    const agents = world.live().map(task => task.agentId)
    expect(agents.toSorted()).to.deep.equal(['a1', 'a1', 'a2', 'a2', 'a3', 'a3'])
  })

  it('places several instances on the offer of one agent, in one accept', () => {
    const world = new World({ a1: 'cpus:8;mem:8192;ports:[31000-31009]' })
    world.put(web)
    expect(world.sent('accept').map(accept => accept.tasks.length)).to.deep.equal([3])
  })

  it('replaces an instance that dies, at once and under a new id', () => {
    const world = new World()
    world.put(web)
    const [first] = world.running()
    world.fail(first)
    expect(world.running()).to.have.length(3).and.not.include(first)
  })

  it('replaces an instance whose agent is gone', () => {
    const world = new World()
    world.put(web)
    const [first = ''] = world.running()
    world.report(first, 'GONE', { reason: 'AGENT_REMOVED' })
    expect(world.running()).to.have.length(3).and.not.include(first)
  })

  it('waits for an instance that is unreachable: it may be running', () => {
    const world = new World()
    world.put(web)
    const [first = ''] = world.running()
    world.report(first, 'UNREACHABLE')
    world.advance(600_000)
    expect(world.tasks.size).to.equal(3)
    expect(world.waiting('/web')?.code).to.equal('unreachable')
    world.report(first, 'RUNNING')
    expect(world.waiting('/web')).to.equal(undefined)
  })

  it('replaces an instance that nobody has known for a minute', () => {
    const world = new World()
    world.put(web)
    const [first = ''] = world.running()
    world.report(first, 'UNKNOWN')
    world.advance(59_000)
    expect(world.tasks.size).to.equal(3)
    world.advance(2_000)
    expect(world.tasks.size).to.equal(4)
  })

  it('scales up without touching what runs', () => {
    const world = new World()
    world.put(web)
    const before = world.running()
    world.put({ ...web, instances: 5 })
    expect(world.running()).to.have.length(5).and.include.members(before)
  })

  it('scales down by the youngest, and keeps the older', () => {
    const world = new World()
    world.put({ ...web, instances: 1 })
    const [oldest] = world.running()
    world.advance(1_000)
    world.put(web)
    world.put({ ...web, instances: 1 })
    expect(world.running()).to.deep.equal([oldest])
  })

  it('scales down by what does not run yet, before what does', () => {
    const world = new World()
    world.put({ ...web, instances: 2 })
    const before = world.running()
    world.holdsTasks = true
    world.put({ ...web, instances: 4 })
    world.put({ ...web, instances: 2 })
    expect(world.live().map(task => task.taskId)).to.have.members(before)
  })

  it('does not count a kill that it ordered as a failure', () => {
    const world = new World()
    world.put(web)
    world.put({ ...web, instances: 1 })
    expect(world.app('/web').lastFailure).to.equal(undefined)
    world.put(web)
    expect(world.running()).to.have.length(3)
  })

  it('orders a kill again that has not been followed', () => {
    const world = new World()
    world.put({ ...web, instances: 1 })
    const [taskId = ''] = world.running()
    world.report(taskId, 'UNREACHABLE')
    world.put({ ...web, instances: 0 })
    world.advance(25_000)
    expect(world.sent('kill').length).to.be.greaterThan(2)
    world.report(taskId, 'RUNNING')
    expect(world.live()).to.deep.equal([])
  })

  it('kills what a deleted app has, and then forgets the app', () => {
    const world = new World()
    world.put(web)
    expect(world.delete('/web')?.ok).to.equal(true)
    expect(world.live()).to.deep.equal([])
    expect(world.core.apps()).to.deep.equal([])
    expect([world.storedApps.size, world.storedInstances.size]).to.deep.equal([0, 0])
  })

  it('runs an app again that is created while its old instances still end', () => {
    const world = new World()
    world.put({ ...web, instances: 1 })
    const [old = ''] = world.running()
    world.report(old, 'UNREACHABLE')
    world.delete('/web')
    expect(world.put({ ...web, instances: 2 }, 'absent')?.ok).to.equal(true)
    expect(world.running()).to.have.length(2)
    world.report(old, 'RUNNING')
    expect(world.running()).to.have.length(2).and.not.include(old)
  })

  it('refuses what was decided on an older version of the app', () => {
    const world = new World()
    const created = world.put(web)
    world.put({ ...web, instances: 4 })
    const version = created?.ok ? created.app.version : ''
    expect(world.put({ ...web, instances: 9 }, { version })).to.include({ ok: false, code: 'changed' })
    expect(world.put(web, 'absent')).to.include({ ok: false, code: 'exists' })
    expect(world.delete('/other')).to.include({ ok: false, code: 'unknown' })
    expect(world.running()).to.have.length(4)
  })

  it('kills a task of its own that it knows nothing of', () => {
    const world = new World()
    world.report('stranger.1', 'RUNNING')
    expect(world.sent('kill')).to.deep.equal([
      { kind: 'kill', taskId: 'stranger.1', agentId: 'a1', graceMs: undefined },
    ])
  })
})

describe('service: asking for offers', () => {
  it('asks for none while nothing is wanted, and for some when something is', () => {
    const world = new World()
    expect(world.sent('suppress')).to.have.length(1)
    expect(world.sent('revive')).to.have.length(0)
    world.put(web)
    expect(world.sent('revive')).to.have.length(1)
    expect(world.sent('suppress')).to.have.length(2)
  })

  it('declines at once what it has no use for', () => {
    const world = new World({ a1: 'cpus:1;mem:512;ports:[31000-31009]' })
    world.put({ ...web, cpus: 4 })
    expect(world.sent('decline')).to.have.length(1)
    expect(world.sent('decline')[0]).to.include({ refuseMs: 5_000 })
  })

  it('asks again when more is wanted, so that filters do not hinder', () => {
    const world = new World({ a1: 'cpus:1;mem:512;ports:[31000-31009]' })
    world.put({ ...web, cpus: 4 })
    world.put({ id: '/small', cmd: 'true', cpus: 0.1, mem: 32 })
    expect(world.sent('revive')).to.have.length(2)
    expect(world.app('/small').instances.size).to.equal(1)
  })

  it('says again what it wants at each subscription', () => {
    const world = new World({})
    world.put(web)
    world.disconnect()
    const before = world.sent('revive').length
    world.subscribe()
    expect(world.sent('revive')).to.have.length(before + 1)
  })
})
