import { expect } from 'chai'
import { describe, it } from 'mocha'
import { afterFailure, noBackoff } from '../../../frameworks/service/core/backoff.js'
import { World } from './support/world.js'

const one = { id: '/one', cmd: './crash', cpus: 0.5, mem: 64 }

function failAll(world: World): void {
  for (const taskId of world.running()) world.fail(taskId, 'exit code 7')
}

describe('service: backoff of what crashes', () => {
  it('replaces the first failure at once, the second after backoffSeconds, and then ever later', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    expect(world.tasks.size).to.equal(2)
    failAll(world)
    expect(world.tasks.size).to.equal(2)
    world.advance(900)
    expect(world.tasks.size).to.equal(2)
    world.advance(100)
    expect(world.tasks.size).to.equal(3)
    failAll(world)
    world.advance(1_100)
    expect(world.tasks.size).to.equal(3)
    world.advance(100)
    expect(world.tasks.size).to.equal(4)
  })

  it('never waits longer than maxLaunchDelaySeconds', () => {
    const settings = { backoffSeconds: 1, backoffFactor: 10, maxLaunchDelaySeconds: 60 }
    let backoff = noBackoff
    const waits = Array.from({ length: 5 }, () => {
      backoff = afterFailure(backoff, settings, { ranMs: 0, now: 0 })
      return backoff.untilMs
    })
    expect(waits).to.deep.equal([0, 1_000, 10_000, 60_000, 60_000])
  })

  it('replaces at once what had run for 10 s, and forgets the failures before', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    failAll(world)
    world.advance(12_000)
    failAll(world)
    expect(world.running()).to.have.length(1)
    failAll(world)
    expect(world.running()).to.have.length(1)
  })

  it('wants no offers while all that is missing has to wait', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    const before = world.sent('revive').length
    failAll(world)
    world.advance(900)
    expect(world.sent('revive')).to.have.length(before)
    world.advance(100)
    expect(world.sent('revive')).to.have.length(before + 1)
  })

  it('does not hold another app back', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    failAll(world)
    world.put({ ...one, id: '/other' })
    expect(world.running()).to.have.length(1)
  })

  it('ends the wait when a person changes the app', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    failAll(world)
    expect(world.running()).to.have.length(0)
    world.put({ ...one, labels: { fixed: 'yes' } })
    expect(world.running()).to.have.length(1)
  })

  it('says what it waits for, and what failed', () => {
    const world = new World()
    world.put(one)
    failAll(world)
    failAll(world)
    const waiting = world.waiting('/one')
    expect(waiting?.code).to.equal('backoff')
    expect(waiting?.message).to.match(/waits 1.0 s after 2 failures in a row: one\.\S+ FAILED, exit code 7/)
  })

  it('counts a launch that the leader refuses as invalid', () => {
    const world = new World()
    world.holdsStore = true
    world.put(one)
    const instance = [...world.app('/one').instances.keys()]
    const results = instance.map(taskId => ({
      taskId,
      ok: false,
      code: 'invalid-task' as const,
      message: 'no good',
    }))
    world.tell({ kind: 'launched', results })
    expect(world.app('/one').lastFailure).to.include({ state: 'ERROR', message: 'no good' })
    expect(world.app('/one').backoff.failures).to.equal(1)
  })

  it('tries again at once when a new leader has made the offer void', () => {
    const world = new World()
    world.put(one)
    const [taskId = ''] = world.running()
    world.tasks.delete(taskId)
    const results = [
      { taskId, ok: false, code: 'stale-offer' as const, message: 'an earlier leader made it' },
    ]
    world.tell({ kind: 'launched', results })
    expect(world.running()).to.have.length(1).and.not.include(taskId)
    expect(world.app('/one')).to.deep.include({ lastFailure: undefined })
    expect(world.app('/one').backoff.failures).to.equal(0)
  })

  it('tries again at once when an offer had gone, but not more than once a second', () => {
    const world = new World()
    world.put(one)
    const refuse = () => {
      const taskIds = world.running()
      for (const taskId of taskIds) world.tasks.delete(taskId)
      world.tell({ kind: 'accept-failed', taskIds, code: 'invalid-offer', message: 'gone' })
    }
    refuse()
    expect(world.running()).to.have.length(1)
    world.advance(100)
    refuse()
    expect(world.running()).to.have.length(0)
    world.advance(1_000)
    expect(world.running()).to.have.length(1)
    expect(world.app('/one').lastFailure).to.equal(undefined)
  })
})
