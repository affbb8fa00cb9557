import { VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { Requests } from '../../../master/requests.js'

describe('requests that the core answers later', () => {
  let clock: VirtualClock
  let requests: Requests
  let asked: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    requests = new Requests(clock)
    asked = []
  })

  const ask = () => requests.ask('log', 1_000, 'too late', requestId => asked.push(requestId))

  it('have the answer that is given, or say that it is late', async () => {
    requests.begin()
    const replies = [ask(), ask()]
    requests.answer('log-1', { ok: true, result: 7 })
    await clock.advance(1_000)
    expect(await Promise.all(replies)).to.deep.equal([
      { ok: true, result: 7 },
      { ok: false, code: 'timeout', message: 'too late' },
    ])
  })

  it('end with the leadership, and are refused at once until there is another', async () => {
    requests.begin()
    const waiting = ask()
    requests.end()
    const replies = [await waiting, await ask()]
    expect(replies.map(reply => [reply.ok, reply.code, reply.message])).to.deep.equal([
      [false, 'not-leader', 'this master does not lead any more; whether it was done is not known'],
      [false, 'not-leader', 'this master does not lead any more; nothing was done'],
    ])
    requests.begin()
    void ask()
    expect(asked).to.deep.equal(['log-1', 'log-2'])
  })
})
