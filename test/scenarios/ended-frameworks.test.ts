import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

const day = 24 * 3_600_000

describe('frameworks that end', () => {
  let rig: MasterRig
  const subscribe = () => rig.framework('web', { roles: ['prod'] })
  const ended = () =>
    [...rig.master.state.completedFrameworks.values()].map(({ info, reason }) => [info.frameworkId, reason])
  const kills = () => rig.sent('agent a1', 'kill').map(({ taskId }) => taskId)

  beforeEach(() => {
    rig = new MasterRig({ frameworkTimeoutMs: 15_000 })
    rig.agent('a1', 'cpus:4;mem:1024')
    subscribe()
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
  })

  it('by the word of an operator: they are told, and their tasks are killed', () => {
    const answer = rig.operate({ kind: 'tear-down', frameworkId: 'web' })
    expect(answer?.result).to.deep.equal({
      changes: [{ subject: 'framework web', field: 'state', from: 'connected', to: 'completed' }],
    })
    expect(rig.sent('framework web', 'failed')).to.deep.equal([
      { code: 'torn-down', message: 'framework web was torn down by an operator' },
    ])
    expect([kills(), ended()]).to.deep.equal([['t1'], [['web', 'torn down by an operator']]])
    expect(rig.operate({ kind: 'tear-down', frameworkId: 'web' })).to.include({
      code: 'unknown-framework',
      message: 'framework web has ended: torn down by an operator',
    })
  })

  it('are not let in again but as a later instance, also by another leader', () => {
    rig.operate({ kind: 'tear-down', frameworkId: 'web' })
    const first = subscribe()
    rig.elect()
    rig.agent('a1')
    const second = subscribe()
    rig.advance(1_000)
    const third = subscribe()
    expect([first?.code, second?.code, third?.ok]).to.deep.equal(['torn-down', 'torn-down', true])
    expect(ended()).to.deep.equal([])
  })

  it('while an agent is away: their tasks are killed when it returns, whoever leads and has the id then', () => {
    rig.operate({ kind: 'tear-down', frameworkId: 'web' })
    rig.elect()
    rig.advance(1_000)
    subscribe()
    const task = { frameworkId: 'web', role: 'prod', resources: { cpus: 1 }, state: 'RUNNING' as const }
    rig.loseTasks('a1')
    rig.agent('a1', undefined, {
      tasks: [
        { ...task, taskId: 'old', launchedAtMs: 0, frameworkSince: 0 },
        { ...task, taskId: 'new', launchedAtMs: 0, frameworkSince: 1_000 },
        { ...task, taskId: 'who knows', launchedAtMs: 0 },
      ],
    })
    expect(kills()).to.deep.equal(['t1', 'old'])
  })

  it('when they were away for their failover timeout, counted on by each leader', () => {
    rig.advance(16_000)
    expect(rig.state.frameworks[0]).to.include({ state: 'disconnected', disconnectedAtMs: 15_000 })
    rig.nowMs += 6 * day
    rig.elect()
    rig.agent('a1')
    rig.nowMs += day - 60_000
    rig.advance(120_000)
    expect(ended()).to.deep.equal([['web', `not back within its failover timeout of ${7 * day} ms`]])
    expect(new Set(kills())).to.deep.equal(new Set(['t1']))
  })

  it('not before a new leader has given them the time to find it', () => {
    rig.advance(16_000)
    rig.nowMs += 8 * day
    rig.elect()
    rig.agent('a1')
    rig.advance(14_000)
    expect(ended()).to.deep.equal([])
    subscribe()
    rig.advance(5_000)
    expect([ended(), kills()]).to.deep.equal([[], []])
  })

  it('only when the registry knows: else it is tried again', () => {
    rig.framework('web', { roles: ['prod'], failoverTimeoutMs: 1_000 })
    rig.registry = 'fails'
    rig.advance(20_000)
    expect([ended(), kills()]).to.deep.equal([[], []])
    rig.registry = 'writes'
    rig.advance(6_000)
    expect([ended().length, kills()]).to.deep.equal([1, ['t1']])
  })

  it('are not those whose record is lost: their tasks run on, and their updates are kept for them', () => {
    rig.records.delete('framework.web')
    rig.elect()
    rig.agent('a1')
    rig.update('a1', { frameworkId: 'web', taskId: 't1', state: 'FINISHED', exitCode: 0 })
    expect([kills(), rig.sent('agent a1', 'acknowledge')]).to.deep.equal([[], []])
    expect(rig.state.frameworks.map(({ frameworkId, state }) => [frameworkId, state])).to.deep.equal([
      ['web', 'disconnected'],
    ])
    expect(subscribe()?.ok).to.equal(true)
  })

  it('are not those whose record is lost, also when they come back before their agents', () => {
    rig.advance(1_000)
    rig.records.delete('framework.web')
    rig.elect()
    subscribe()
    const task = { frameworkId: 'web', role: 'prod', resources: { cpus: 1 }, state: 'RUNNING' as const }
    rig.loseTasks('a1')
    rig.agent('a1', undefined, { tasks: [{ ...task, taskId: 't1', launchedAtMs: 0, frameworkSince: 0 }] })
    expect(kills()).to.deep.equal([])
  })
})
