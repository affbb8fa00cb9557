import { VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { Standstill } from '../../../master/election/standstill.js'

describe('a process that stood still', () => {
  let clock: VirtualClock
  let standstill: Standstill
  let story: string[]
  let answer: () => void

  beforeEach(() => {
    clock = new VirtualClock()
    story = []
    const check = () => {
      story.push('check')
      return new Promise<void>(resolve => {
        answer = resolve
      })
    }
    standstill = new Standstill({ clock, leaseMs: 1_000, check })
  })

  const does = (what: string) => standstill.holds(() => story.push(what)) || story.push(what)

  it('is none while it works often enough', async () => {
    for (const what of ['a', 'b', 'c']) {
      await clock.advance(499)
      does(what)
    }
    expect(story).to.deep.equal(['a', 'b', 'c'])
  })

  it('looks at the lease once before it goes on, and then in the order in which things came', async () => {
    await clock.advance(500)
    for (const what of ['a', 'b']) does(what)
    await clock.advance(2_000)
    does('c')
    expect(story).to.deep.equal(['check'])
    answer()
    await clock.advance(0)
    does('d')
    expect(story).to.deep.equal(['check', 'a', 'b', 'c', 'd'])
  })
})
