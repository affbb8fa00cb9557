import type { Accepted, Reply } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, taskOf } from '../support/master-rig.js'

describe('offers of an earlier leader', () => {
  let rig: MasterRig
  let offerIds: string[]
  const subscribe = () => rig.framework('web', { roles: ['prod'] })
  const accept = (more: object = { agentId: 'a1' }, callId?: string) =>
    rig.call('web', 'accept', { offerIds, operations: [launchOf(taskOf('t1', 'cpus:1'))], ...more }, callId)
  const codesOf = (reply: Reply | undefined) =>
    (reply?.result as Accepted | undefined)?.tasks.map(({ code }) => code)
  const stale = { code: 'stale-offer', message: 'offer 1-1 was made by an earlier leader, and ended with it' }

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    subscribe()
    offerIds = rig.offersTo('web').map(({ offerId }) => offerId)
  })

  it('are void: what was not launched on them never is', () => {
    rig.elect()
    rig.agent('a1')
    subscribe()
    expect(accept()?.result).to.deep.equal({ tasks: [{ taskId: 't1', ok: false, ...stale }] })
    expect(rig.sent('agent a1', 'launch')).to.deep.equal([])
  })

  it('have been accepted when the agent runs what was to be launched', () => {
    accept()
    rig.elect()
    rig.agent('a1')
    subscribe()
    expect(accept()?.result).to.deep.equal({ tasks: [{ taskId: 't1', ok: true }] })
    expect(rig.sent('agent a1', 'launch')).to.have.length(1)
  })

  it('are answered for when their agent has come: only it knows what became of them', () => {
    accept()
    rig.elect()
    subscribe()
    const before = accept({ agentId: 'a1' }, 'c1')
    rig.agent('a1')
    const after = accept({ agentId: 'a1' }, 'c1')
    expect([before, after?.result]).to.deep.equal([undefined, { tasks: [{ taskId: 't1', ok: true }] }])
  })

  it('are refused when it is not said whose they were', () => {
    rig.elect()
    rig.agent('a1')
    subscribe()
    expect(accept({})).to.deep.equal({ ok: false, ...stale })
  })

  it('are refused to a framework of version 1 in a word that it knows', () => {
    rig.elect()
    rig.agent('a1')
    rig.version = 1
    subscribe()
    expect([accept({})?.code, codesOf(accept())]).to.deep.equal(['invalid-offer', ['invalid-offer']])
  })
})
