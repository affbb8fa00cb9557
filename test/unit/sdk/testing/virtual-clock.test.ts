import { SeededRandom, VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { describe, it } from 'mocha'

/** A clock, and a way to set timers that write down when they fired. */
function clockWithStory() {
  const clock = new VirtualClock(1_000)
  const story: string[] = []
  const set = (name: string, delayMs: number) =>
    clock.setTimer(delayMs, () => story.push(`${name} at ${clock.now()}`))
  return { clock, story, set }
}

describe('a virtual clock', () => {
  it('stands still until it is moved', async () => {
    const { clock, story, set } = clockWithStory()
    set('a', 0)
    await new Promise(resolve => setTimeout(resolve, 5))
    expect([clock.now(), story]).to.deep.equal([1_000, []])
  })

  it('fires what is due, in order, the end included, each at its own time', async () => {
    const { clock, story, set } = clockWithStory()
    for (const [name, delayMs] of [
      ['late', 101],
      ['b', 100],
      ['a', 50],
      ['c', 100],
      ['now', -5],
    ] as const) {
      set(name, delayMs)
    }
    await clock.advance(100)
    expect(story).to.deep.equal(['now at 1000', 'a at 1050', 'b at 1100', 'c at 1100'])
    expect(clock.now()).to.equal(1_100)
  })

  it('fires what a timer sets, if it is due before the end', async () => {
    const { clock, story, set } = clockWithStory()
    clock.setTimer(10, () => {
      set('soon', 10)
      set('later', 90)
    })
    await clock.advance(50)
    expect(story).to.deep.equal(['soon at 1020'])
  })

  it('does not fire what was cancelled, not even by another timer at the same instant', async () => {
    const { clock, story, set } = clockWithStory()
    clock.setTimer(10, () => cancel())
    const cancel = set('a', 10)
    const cancelLater = set('b', 5)
    await clock.advance(10)
    cancelLater()
    expect(story).to.deep.equal(['b at 1005'])
  })

  it('lets promises settle between timers', async () => {
    const { clock, story, set } = clockWithStory()
    clock.setTimer(10, () => void Promise.resolve().then(() => story.push('settled')))
    set('next', 10)
    await clock.advance(10)
    expect(story).to.deep.equal(['settled', 'next at 1010'])
  })
})

describe('seeded chance', () => {
  it('is the same for the same seed, and another for another', () => {
    const run = (seed: number) => new SeededRandom(seed).hex(32)
    expect(run(1))
      .to.equal(run(1))
      .and.to.match(/^[0-9a-f]{32}$/)
    expect(run(1)).not.to.equal(run(2))
  })

  it('is from 0 to below 1, and spread evenly', () => {
    const random = new SeededRandom(7)
    const values = Array.from({ length: 10_000 }, () => random.next())
    expect(Math.min(...values)).to.be.at.least(0)
    expect(Math.max(...values)).to.be.below(1)
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).to.be.closeTo(0.5, 0.02)
  })
})
