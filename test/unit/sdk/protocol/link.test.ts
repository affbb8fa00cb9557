import { type Arrival, LinkEnd } from '@tender/sdk/protocol'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'

/** What an end makes of messages, each written as `session:sequence`. */
function arrivals(...messages: string[]): Arrival[] {
  const end = new LinkEnd('me')
  return messages.map(text => {
    const [session = '', sequence] = text.split(':')
    return end.arrive({ session, sequence: Number(sequence) })
  })
}

describe('an end of a link', () => {
  it('numbers what it sends from 1, and puts in what the message is about', () => {
    const end = new LinkEnd('s1')
    expect(end.wrap('heartbeat', { a: 1 }, 7)).to.deep.equal({
      v: 2,
      kind: 'heartbeat',
      session: 's1',
      sequence: 1,
      epoch: 7,
      body: { a: 1 },
    })
    expect(end.wrap('reply', {}, 8, { call: 'c1', to: 's2' })).to.deep.equal({
      v: 2,
      kind: 'reply',
      session: 's1',
      sequence: 2,
      epoch: 8,
      call: 'c1',
      to: 's2',
      body: {},
    })
    expect(end.lastSent).to.equal(2)
  })

  it('tells the next message from a repeated one, a gap and a new session', () => {
    expect(arrivals('a:1', 'a:2', 'a:2', 'a:1', 'a:4', 'a:5', 'b:1', 'b:2')).to.deep.equal([
      'new-session',
      'next',
      'repeated',
      'repeated',
      'gap',
      'next',
      'new-session',
      'next',
    ])
  })

  it('takes what came after a gap, so that the same gap is told once', () => {
    const end = new LinkEnd('me')
    for (const sequence of [1, 5]) end.arrive({ session: 'a', sequence })
    expect(end.received).to.deep.equal({ session: 'a', sequence: 5 })
    expect(end.arrive({ session: 'a', sequence: 6 })).to.equal('next')
  })

  it('finds each loss of an ordered link, and none where there is none', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 })), list => {
        const came = list.toSorted((a, b) => a - b)
        const told = arrivals(...came.map(sequence => `a:${sequence}`)).slice(1)
        expect(told).to.deep.equal(
          came.slice(1).map((sequence, index) => (sequence === (came[index] ?? 0) + 1 ? 'next' : 'gap')),
        )
      }),
    )
  })

  describe('looking for what the other end has lost', () => {
    const sending = (count: number) => {
      const end = new LinkEnd('me')
      for (let sent = 0; sent < count; sent++) end.wrap('update', {}, 1)
      return end
    }

    it('waits one heartbeat for what may still be on its way', () => {
      const end = sending(3)
      expect(end.hasLost({ session: 'me', sequence: 1 })).to.equal(false)
      expect(end.hasLost({ session: 'me', sequence: 1 })).to.equal(true)
    })

    it('finds nothing lost when all has come by the next one', () => {
      const end = sending(3)
      expect(end.hasLost({ session: 'me', sequence: 1 })).to.equal(false)
      end.wrap('update', {}, 1)
      expect(end.hasLost({ session: 'me', sequence: 3 })).to.equal(false)
    })

    it('counts an end that knows nothing of this session as having lost all', () => {
      const end = sending(1)
      expect(end.hasLost({ session: '', sequence: 0 })).to.equal(false)
      expect(end.hasLost({ session: '', sequence: 0 })).to.equal(true)
    })

    it('finds nothing lost when nothing was sent', () => {
      const end = sending(0)
      expect([0, 0].map(() => end.hasLost({ session: '', sequence: 0 }))).to.deep.equal([false, false])
    })
  })
})
