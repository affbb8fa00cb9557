import { MemoryBroker, type MemoryTransport, VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'

const delayMs = 10

describe('the in-memory broker', () => {
  let clock: VirtualClock
  let broker: MemoryBroker
  let here: MemoryTransport
  let there: MemoryTransport
  let heard: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    broker = new MemoryBroker(clock, delayMs)
    here = broker.connect()
    there = broker.connect()
    heard = []
    there.subscribe('a.*', (bytes, subject) => heard.push(`${subject} ${bytes.join()}`))
  })

  const say = (number: number) => here.publish('a.b', Uint8Array.of(number))

  it('delivers after its delay, and not before', async () => {
    say(1)
    await clock.advance(delayMs - 1)
    expect(heard).to.deep.equal([])
    await clock.advance(1)
    expect(heard).to.deep.equal(['a.b 1'])
  })

  it('delivers what the bytes were when they were published', async () => {
    const bytes = Uint8Array.of(1)
    here.publish('a.b', bytes)
    bytes[0] = 2
    await clock.advance(delayMs)
    expect(heard).to.deep.equal(['a.b 1'])
  })

  it('loses what is in flight when it is stopped, even if it is started again at once', async () => {
    say(1)
    broker.stop()
    broker.start()
    say(2)
    await clock.advance(delayMs)
    expect(heard).to.deep.equal(['a.b 2'])
  })

  it('loses what is said while it is down, and goes on afterwards with the same subscriptions', async () => {
    broker.stop()
    say(1)
    await clock.advance(delayMs)
    broker.start()
    say(2)
    await clock.advance(delayMs)
    expect(heard).to.deep.equal(['a.b 2'])
  })

  it('tells each transport when it goes and comes, and who connects meanwhile', () => {
    const changes: string[] = []
    here.onStatus(status => changes.push(status))
    broker.stop()
    expect(broker.connect().status).to.equal('disconnected')
    broker.start()
    expect(changes).to.deep.equal(['disconnected', 'connected'])
  })

  it('can cut one process off, in both directions, while the others go on', async () => {
    const third = broker.connect()
    third.subscribe('a.b', bytes => heard.push(`third ${bytes.join()}`))
    there.become('disconnected')
    there.publish('a.b', Uint8Array.of(1))
    say(2)
    await clock.advance(delayMs)
    expect(heard).to.deep.equal(['third 2'])
    there.become('connected')
    say(3)
    await clock.advance(delayMs)
    expect(heard).to.deep.equal(['third 2', 'a.b 3', 'third 3'])
  })

  it('forgets who has closed, for good', async () => {
    await there.close()
    broker.stop()
    broker.start()
    say(1)
    await clock.advance(delayMs)
    expect([heard, there.status]).to.deep.equal([[], 'closed'])
  })
})
