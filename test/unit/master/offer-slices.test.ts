import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { OfferTurns } from '../../../master/offer-turns.js'
import { SliceSize } from '../../../master/slice-size.js'
import { MasterRig } from '../../support/master-rig.js'

const agentCount = 1_000

describe('very many offers', () => {
  let rig: MasterRig
  /** Offers made in each slice. */
  let slices: number[]

  beforeEach(() => {
    rig = new MasterRig()
    slices = []
    for (const framework of ['web', 'other']) {
      rig.framework(framework)
      rig.call(framework, 'suppress', {})
    }
    for (let index = 0; index < agentCount; index++) rig.agent(`a${index}`, 'cpus:1;mem:64')
    // Handled, but no offers are made yet.
    say('web', 'unsuppress', {})
  })

  /** What the master answers at once. */
  function say(frameworkId: string, kind: string, body: object): unknown[] {
    const input = rig.inputOf({ kind: 'framework', id: frameworkId }, kind, body, kind)
    return rig.master
      .handle({ ...input, now: rig.nowMs })
      .flatMap(command => (command.kind === 'send' ? [command.envelope.body] : []))
  }

  function offerSome(mostAgents: number): boolean {
    const before = rig.master.state.offers.size
    rig.master.offer(rig.nowMs, mostAgents)
    slices.push(rig.master.state.offers.size - before)
    return rig.master.hasMoreOffers
  }

  it('are made of so many agents at a time, until nothing is left', () => {
    expect(rig.master.hasMoreOffers).to.equal(true)
    while (offerSome(150)) expect(slices.at(-1)).to.equal(150)
    expect(slices.reduce((sum, made) => sum + made)).to.equal(agentCount)
    expect(slices.length).to.be.at.most(8)
    expect(new Set(rig.offersTo('web').map(({ agentId }) => agentId)).size).to.equal(agentCount)
  })

  it('let a call that comes meanwhile be answered between them', async () => {
    const turns = new OfferTurns(() => offerSome(50))
    turns.want()
    await nextTurn()
    expect(say('other', 'suppress', {})).to.deep.equal([{ ok: true }])
    turns.want()
    expect(rig.master.state.offers.size).to.be.within(50, agentCount - 1)
    while (rig.master.hasMoreOffers) await nextTurn()
    expect(rig.master.state.offers.size).to.equal(agentCount)
    expect(Math.max(...slices)).to.equal(50)
  })

  it('end when the leader steps down', async () => {
    const turns = new OfferTurns(() => offerSome(50))
    turns.want()
    await nextTurn()
    turns.end()
    const { size } = rig.master.state.offers
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    expect(rig.master.state.offers.size).to.equal(size).and.to.be.below(agentCount)
  })
})

describe('offers of what came in one turn of the event loop', () => {
  it('are made once, when it is over', async () => {
    let calls = 0
    const turns = new OfferTurns(() => ++calls < 0)
    for (let input = 0; input < 3; input++) turns.want()
    expect(calls).to.equal(0)
    await nextTurn()
    expect(calls).to.equal(1)
  })
})

describe('the size of a slice', () => {
  it('grows while slices are quick, shrinks when they are not, and begins anew when nothing is left', () => {
    const size = new SliceSize()
    const sizes = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 16, 500, 500].map(ms => {
      size.took(ms, true)
      return size.agents
    })
    expect(sizes).to.deep.equal([10, 20, 40, 80, 160, 250, 250, 125, 2, 1])
    size.took(0.2, true)
    size.took(0.2, false)
    expect(size.agents).to.equal(5)
  })
})
