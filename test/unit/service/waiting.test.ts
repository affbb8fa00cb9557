import { expect } from 'chai'
import { describe, it } from 'mocha'
import { World } from './support/world.js'

const big = { id: '/big', cmd: './serve', cpus: 2, mem: 256 }

describe('service: why an app is not running', () => {
  it('has had no offers yet', () => {
    const world = new World({})
    world.put(big)
    expect(world.waiting('/big')).to.deep.equal({
      code: 'no-offers',
      message: "1 of 1 is to be started, but no agent's resources have been offered yet",
      sinceMs: world.nowMs,
    })
  })

  it('has no leading master', () => {
    const world = new World()
    world.disconnect()
    world.put(big)
    expect(world.waiting('/big')).to.include({
      code: 'disconnected',
      message: '1 of 1 is to be started, but there is no leading master: no leader heard',
    })
  })

  it('does not fit: says what the nearest agent lacks, and how much', () => {
    const world = new World({ near: 'cpus:1.5;mem:512;ports:[31000-31009]', far: 'cpus:1;mem:128' })
    world.put({ ...big, instances: 2 })
    expect(world.waiting('/big')).to.include({
      code: 'insufficient-resources',
      message:
        '2 of 2 are to be started, but the offers do not fit: the nearest of 2 agents, near (near.example), lacks cpus (2 needed, 1.5 offered)',
    })
  })

  it('does not fit: not enough ports, or not the one that is asked for', () => {
    const world = new World({ a1: 'cpus:4;mem:512;ports:[31000-31001]' })
    world.put({ ...big, ports: [0, 0, 0] })
    expect(world.waiting('/big')?.message).to.contain('lacks ports (3 needed, 2 offered)')
    world.put({ ...big, ports: [80, 31_000], requirePorts: true })
    expect(world.waiting('/big')?.message).to.contain('lacks port 80, which is not among those offered')
  })

  it('is a container, and no agent has an engine', () => {
    const world = new World({})
    world.addAgent('a1', undefined, ['process'])
    world.put({ id: '/image', container: { docker: { image: 'nginx' } } })
    expect(world.waiting('/image')?.message).to.contain('lacks an engine for containers')
  })

  it('is still starting', () => {
    const world = new World()
    world.holdsTasks = true
    world.put({ ...big, instances: 2 })
    expect(world.waiting('/big')?.code).to.equal('starting')
    expect(world.waiting('/big')?.message).to.match(
      /^2 of 2 still starting: big\.\S+ is STAGING on agent a1 \(a1\.example\)$/,
    )
  })

  it('starts as soon as there is room', () => {
    const world = new World({ a1: 'cpus:1;mem:512;ports:[31000-31009]' })
    world.put(big)
    world.addAgent('a2')
    expect(world.running()).to.have.length(1)
    expect(world.waiting('/big')).to.equal(undefined)
  })
})
