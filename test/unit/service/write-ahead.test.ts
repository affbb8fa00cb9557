import { expect } from 'chai'
import { describe, it } from 'mocha'
import { World } from './support/world.js'

const web = { id: '/web', cmd: './serve', cpus: 0.5, mem: 64, instances: 3 }

describe('service: what is durable comes first', () => {
  it('answers a request only when the app is stored', () => {
    const world = new World()
    world.holdsStore = true
    expect(world.put(web)).to.equal(undefined)
    world.release()
    expect(world.answers.map(answer => answer.ok)).to.deep.equal([true])
  })

  it('launches nothing before the instances are stored', () => {
    const world = new World()
    world.holdsStore = true
    world.put(web)
    world.advance(5_000)
    expect(world.sent('accept')).to.deep.equal([])
    world.release()
    expect(world.running()).to.have.length(3)
    expect(world.storedInstances.size).to.equal(3)
  })

  it('kills nothing before it is stored that the instance is to end', () => {
    const world = new World()
    world.put(web)
    world.holdsStore = true
    world.put({ ...web, instances: 1 })
    expect(world.sent('kill')).to.deep.equal([])
    world.release()
    expect(world.running()).to.have.length(1)
  })

  it('starts nothing twice when it is restarted', () => {
    const world = new World()
    world.put(web)
    const before = world.running()
    world.restart()
    world.advance(60_000)
    expect(world.running()).to.deep.equal(before)
    expect(world.tasks.size).to.equal(3)
  })

  it('replaces what died while it was away', () => {
    const world = new World()
    world.put(web)
    const task = world.live()[0]
    if (task) task.state = 'FAILED'
    world.restart()
    expect(world.running()).to.have.length(3)
    expect(world.tasks.size).to.equal(4)
  })

  it('launches anew what was stored and never accepted', () => {
    const world = new World()
    world.holdsStore = true
    world.put(web)
    // The writes arrive, and the process ends before it hears of it.
    const tell = world.tell.bind(world)
    world.tell = () => {}
    world.release()
    world.tell = tell
    expect(world.storedInstances.size).to.equal(3)
    world.restart()
    expect(world.running()).to.have.length(3)
    expect(world.storedInstances.size).to.equal(3)
  })

  it('goes on with a deletion that was interrupted', () => {
    const world = new World()
    world.put({ ...web, instances: 1 })
    const [taskId = ''] = world.running()
    world.report(taskId, 'UNREACHABLE')
    world.delete('/web')
    world.restart()
    expect(world.core.apps()).to.deep.equal([])
    world.report(taskId, 'RUNNING')
    expect(world.live()).to.deep.equal([])
    expect(world.storedApps.size).to.equal(0)
  })

  it('chooses no other instance to stop after a restart', () => {
    const world = new World()
    world.put(web)
    const [first = ''] = world.running()
    world.report(first, 'UNREACHABLE')
    world.put({ ...web, instances: 2 })
    world.restart()
    world.report(first, 'RUNNING')
    expect(world.running()).to.have.length(2).and.not.include(first)
    expect(world.sent('kill').every(kill => kill.taskId === first)).to.equal(true)
  })

  it('leaves instances alone whose app is not in the store, and adopts them when it is put again', () => {
    const world = new World()
    world.put(web)
    world.storedApps.clear()
    world.restart()
    world.advance(60_000)
    expect(world.running()).to.have.length(3)
    world.put(web)
    world.advance(60_000)
    expect(world.running()).to.have.length(3)
    expect([...world.app('/web').instances.values()].every(each => each.goal === 'run')).to.equal(true)
  })

  it('keeps what was launched by an accept that got no answer', () => {
    const world = new World()
    world.losesReplies = true
    world.put(web)
    world.advance(5_000)
    expect(world.running()).to.have.length(3)
    expect(world.tasks.size).to.equal(3)
  })

  it('launches anew what an accept that got no answer has not launched', () => {
    const world = new World()
    world.losesAccepts = true
    world.put(web)
    world.isRecovering = true
    world.advance(5_000)
    expect(world.tasks.size).to.equal(0)
    expect(world.app('/web').instances.size).to.equal(3)
    Object.assign(world, { isRecovering: false, losesAccepts: false })
    world.advance(5_000)
    expect(world.running()).to.have.length(3)
    expect(world.storedInstances.size).to.equal(3)
  })

  it('leaves it to the next run what an accept has launched that was cut short by the end of this one', () => {
    const world = new World()
    world.holdsTasks = true
    world.put(web)
    const taskIds = world.live().map(({ taskId }) => taskId)
    world.tell({ kind: 'accept-failed', taskIds, code: 'closed', message: 'closed' })
    expect(world.storedInstances.size).to.equal(3)
    world.restart()
    world.runAll()
    expect(world.running().toSorted()).to.deep.equal(taskIds.toSorted())
  })

  it('names its instances once: from then on the SDK asks for them', () => {
    const world = new World()
    world.put(web)
    world.isRecovering = true
    world.restart()
    const task = world.live()[0]
    if (task) task.state = 'FAILED'
    world.advance(20_000)
    expect(world.running()).to.have.length(2)
    world.isRecovering = false
    world.advance(5_000)
    expect(world.running()).to.have.length(3)
    world.disconnect()
    world.subscribe()
    world.advance(60_000)
    const named = world.sent('reconcile').map(({ tasks }) => tasks.map(({ taskId }) => taskId).toSorted())
    expect(named).to.deep.equal([[...world.tasks.keys()].slice(0, 3).toSorted()])
  })

  it('takes the next offer when one has gone before it was accepted', () => {
    const world = new World()
    world.holdsStore = true
    world.put(web)
    world.disconnect()
    world.release()
    world.subscribe()
    expect(world.running()).to.have.length(3)
    expect(world.app('/web').backoff.failures).to.equal(0)
  })
})
