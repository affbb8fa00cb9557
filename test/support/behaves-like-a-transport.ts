import type { Transport } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'

/**
 * What everybody may rely on in a transport. The fake and the real one are held to it alike.
 *
 * @param connect another process's connection to the same broker
 */
export function behavesLikeATransport(connect: () => Promise<Transport>): void {
  describe('as a transport', () => {
    let here: Transport
    let there: Transport
    let heard: string[]

    beforeEach(async () => {
      here = await connect()
      there = await connect()
      heard = []
    })

    afterEach(() => Promise.all([here.close(), there.close()]))

    const hear = (pattern: string, name = '') =>
      there.subscribe(pattern, (bytes, subject) => heard.push(`${name}${subject} ${bytes.join()}`))

    /** Says all this, and waits until the last word has been heard by somebody who listens to all. */
    const say = async (...subjects: string[]) => {
      await roundTrip(there, there)
      for (const [index, subject] of subjects.entries()) here.publish(subject, Uint8Array.of(index))
      await roundTrip(here, there)
    }

    it('carries bytes in order from one process to another', async () => {
      hear('a')
      await say(...Array.from({ length: 100 }, () => 'a'))
      expect(heard).to.deep.equal(Array.from({ length: 100 }, (_, index) => `a ${index}`))
    })

    it('carries nothing at all, and much', async () => {
      const sizes: number[] = []
      there.subscribe('a', bytes => sizes.push(bytes.length))
      await roundTrip(there, there)
      for (const size of [0, 500_000]) here.publish('a', new Uint8Array(size))
      await roundTrip(here, there)
      expect(sizes).to.deep.equal([0, 500_000])
    })

    const patterns: [pattern: string, heard: string[]][] = [
      ['a.b.c', ['a.b.c']],
      ['a.*.c', ['a.b.c', 'a.x.c']],
      ['a.*', ['a.b']],
      ['*', ['a']],
      ['a.>', ['a.b', 'a.b.c', 'a.x.c']],
      ['>', ['a', 'a.b', 'a.b.c', 'a.x.c', 'b.b']],
      ['*.b', ['a.b', 'b.b']],
      ['A', []],
    ]
    for (const [pattern, expected] of patterns) {
      it(`brings to ${pattern} what belongs to it`, async () => {
        const unlike = new Set<string>()
        there.subscribe(pattern, (_, subject) => {
          if (!subject.startsWith('done')) unlike.add(subject)
        })
        await say('a', 'a.b', 'a.b.c', 'a.x.c', 'b.b')
        expect([...unlike]).to.deep.equal(expected)
      })
    }

    it('brings a message to each who listens, the speaker too', async () => {
      hear('a', 'first ')
      hear('a', 'second ')
      here.subscribe('a', () => heard.push('speaker'))
      await say('a')
      // What comes back to the speaker travels on a connection of its own.
      await roundTrip(here, here)
      expect(heard.toSorted()).to.deep.equal(['first a 0', 'second a 0', 'speaker'])
    })

    it('brings nothing any more to who does not listen any more', async () => {
      const subscription = hear('a', 'gone ')
      hear('a')
      await say('a')
      subscription.unsubscribe()
      await say('a')
      expect(heard.filter(text => text.startsWith('gone'))).to.deep.equal(['gone a 0'])
      expect(heard.filter(text => !text.startsWith('gone'))).to.deep.equal(['a 0', 'a 0'])
    })

    it('is closed after closing, says so once, and loses what is said then', async () => {
      hear('a')
      const changes: string[] = []
      here.onStatus(status => changes.push(status))
      await roundTrip(there, there)
      here.publish('a', Uint8Array.of(1))
      await here.close()
      await here.close()
      here.publish('a', Uint8Array.of(2))
      await roundTrip(there, there)
      expect([heard, here.status, changes]).to.deep.equal([['a 1'], 'closed', ['closed']])
    })
  })
}

let trips = 0

/** Waits until a message has gone from one to the other: then all before it have arrived as well. */
async function roundTrip(from: Transport, to: Transport): Promise<void> {
  const subject = `done-${++trips}`
  await new Promise<void>(resolve => {
    const subscription = to.subscribe(subject, () => {
      subscription.unsubscribe()
      resolve()
    })
    // The broker may learn of the subscription after the first message: so it is said until it is heard.
    const again = () => {
      if (from.status !== 'connected') return
      from.publish(subject, new Uint8Array())
      setTimeout(again, 20).unref()
    }
    again()
  })
}
