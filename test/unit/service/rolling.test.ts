import { expect } from 'chai'
import { describe, it } from 'mocha'
import { World } from './support/world.js'

const web = { id: '/web', cmd: './v1', cpus: 1, mem: 64, instances: 3 }
const changed = { ...web, cmd: './v2' }

function commandsOf(world: World): string[] {
  const commands = world.live().map(task => task.task.shell ?? '')
  return commands.toSorted((a, b) => a.localeCompare(b))
}

describe('service: a change of configuration', () => {
  it('replaces every instance', () => {
    const world = new World()
    world.put(web)
    world.put(changed)
    expect(commandsOf(world)).to.deep.equal(['./v2', './v2', './v2'])
    expect(world.waiting('/web')).to.equal(undefined)
  })

  it('ends an old instance only when a new one runs', () => {
    const world = new World()
    world.put(web)
    world.holdsTasks = true
    world.put(changed)
    expect(commandsOf(world)).to.deep.equal(['./v1', './v1', './v1', './v2'])
    world.runAll()
    expect(world.running()).to.have.length(3)
    expect(commandsOf(world)).to.deep.equal(['./v1', './v1', './v2', './v2'])
  })

  it('leaves the old version running when the new one only fails', () => {
    const world = new World()
    world.put(web)
    world.holdsTasks = true
    world.put(changed)
    for (let round = 0; round < 20; round++) {
      for (const task of world.live()) if (task.state === 'STAGING') world.fail(task.taskId)
      world.advance(5_000)
    }
    expect(world.running()).to.have.length(3)
  })

  it('ends an old one first where there is no room for one more, after 10 s', () => {
    const world = new World({ a1: 'cpus:3;mem:4096;ports:[31000-31099]' })
    world.put(web)
    world.put(changed)
    world.advance(9_000)
    expect(commandsOf(world)).to.deep.equal(['./v1', './v1', './v1'])
    world.advance(2_000)
    expect(commandsOf(world)).to.deep.equal(['./v2', './v2', './v2'])
  })

  it('restarts nothing for labels, backoff or the number of instances', () => {
    const world = new World()
    world.put(web)
    const before = world.running()
    world.put({ ...web, labels: { a: 'b' }, backoffSeconds: 3, instances: 4 })
    expect(world.running()).to.include.members(before)
    expect(world.tasks.size).to.equal(4)
  })

  it('is a deployment until everything is as wanted, and not one again when something fails later', () => {
    const world = new World()
    world.holdsTasks = true
    world.put(web)
    expect(world.app('/web').isDeployed).to.equal(false)
    world.runAll()
    expect(world.app('/web').isDeployed).to.equal(true)
    world.fail(world.running()[0])
    expect(world.app('/web').isDeployed).to.equal(true)
    world.holdsStore = true
    world.put({ ...web, instances: 1 })
    expect(world.app('/web').isDeployed).to.equal(false)
    world.release()
    expect(world.app('/web').isDeployed).to.equal(true)
  })

  it('follows a change of mind halfway', () => {
    const world = new World()
    world.put(web)
    world.holdsTasks = true
    world.put(changed)
    world.put({ ...web, cmd: './v3', instances: 2 })
    world.holdsTasks = false
    world.runAll()
    expect(commandsOf(world)).to.deep.equal(['./v3', './v3'])
  })

  it('survives a restart halfway', () => {
    const world = new World()
    world.put(web)
    world.holdsTasks = true
    world.put(changed)
    world.holdsTasks = false
    world.restart()
    world.runAll()
    expect(commandsOf(world)).to.deep.equal(['./v2', './v2', './v2'])
  })
})
