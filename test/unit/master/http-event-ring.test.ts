import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EventRing } from '../../../master/http/event-ring.js'

function ringOf(capacity: number, items: string): EventRing<string> {
  const ring = new EventRing<string>(capacity)
  for (const item of items) ring.push(item)
  return ring
}

describe('the ring of events', () => {
  it('numbers items from 1', () => {
    const ring = new EventRing<string>(3)
    expect(['a', 'b', 'c'].map(item => ring.push(item))).to.deep.equal([1, 2, 3])
    expect(ring.last).to.equal(3)
  })

  it('gives what came after a number, oldest first, up to the limit', () => {
    const ring = ringOf(10, 'abcde')
    expect(ring.after(1, 2)).to.deep.equal(['b', 'c'])
    expect(ring.after(3, 10)).to.deep.equal(['d', 'e'])
    expect(ring.after(5, 10)).to.deep.equal([])
  })

  it('forgets the oldest when it is full', () => {
    const ring = ringOf(3, 'abcdefg')
    expect(ring.after(4, 10)).to.deep.equal(['e', 'f', 'g'])
  })

  it('knows whether all after a number is still there', () => {
    const ring = ringOf(3, 'abcde')
    const held = [0, 1, 2, 3, 5, 6].filter(number => ring.holdsAfter(number))
    expect(held).to.deep.equal([2, 3, 5])
  })
})
