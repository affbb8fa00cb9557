import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Limit } from '../../../../agent/containerizer/limit.js'
import { assertNames, baseEnvironment } from '../../../../agent/containerizer/process/environment.js'
import {
  isAlive,
  currentBootId,
  parseIdentity,
  parseStat,
  startTimeOf,
} from '../../../../agent/containerizer/process/identity.js'

describe('the identity of a process', () => {
  it('is read as its supervisor writes it, in the forms of Linux and of macOS', () => {
    expect(parseIdentity('12 b-1 345\n')).to.deep.equal({ pid: 12, bootId: 'b-1', startTime: '345' })
    const mac = parseIdentity('12 b-1 Sat Nov  2 16:43:45 2025\n')
    expect(mac).to.deep.equal({ pid: 12, bootId: 'b-1', startTime: 'Sat Nov 2 16:43:45 2025' })
    expect(parseIdentity('12 b-1')).to.equal(undefined)
    expect(parseIdentity(undefined)).to.equal(undefined)
  })

  it('is not confused by a program with an odd name', () => {
    const fields = ['S', 1, 7, 7, ...Array.from({ length: 15 }, () => 0), 166_844, 5]
    const stat = `42 (a) b) (c) ${fields.join(' ')}\n`
    expect(parseStat(stat)).to.deep.equal({ state: 'S', session: 7, startTime: '166844' })
    expect(parseStat('')).to.equal(undefined)
  })

  it('holds for one process of one boot', async () => {
    const startTime = (await startTimeOf(process.pid)) ?? expect.fail('we run')
    const self = { pid: process.pid, startTime, bootId: await currentBootId() }
    expect(await isAlive(self)).to.equal(true)
    expect(await isAlive({ ...self, startTime: `${startTime}0` })).to.equal(false)
    expect(await isAlive({ ...self, bootId: 'before' })).to.equal(false)
    expect(await isAlive({ ...self, pid: 2 ** 30 })).to.equal(false)
  })
})

describe("a process's environment", () => {
  it("has nothing of the agent's but what every program needs", () => {
    const base = baseEnvironment({
      PATH: '/bin',
      HOME: '/root',
      LANG: 'C',
      NATS_PASSWORD: 'x',
      DOCKER_HOST: 'y',
    })
    expect(base).to.deep.equal({ PATH: '/bin', HOME: '/root', LANG: 'C' })
  })

  it('has a PATH in any case', () => {
    expect(baseEnvironment({})['PATH']).to.contain('/usr/bin')
  })

  it('refuses names that a shell would drop', () => {
    expect(() => assertNames({ A_1: '', 'a.b': '' })).to.throw('"a.b" cannot name an environment variable')
  })
})

describe('a limit', () => {
  it('lets so many pieces of work run at a time, in the order in which they came', async () => {
    const limit = new Limit(2)
    const events: string[] = []
    const ends: (() => void)[] = []
    const works = ['a', 'b', 'c', 'd'].map(name =>
      limit.run(async () => {
        events.push(name)
        await new Promise<void>(resolve => ends.push(resolve))
        if (name === 'a') throw new Error('a failed')
      }),
    )
    const settled = Promise.allSettled(works)
    await turn()
    expect(events).to.deep.equal(['a', 'b'])
    ends[0]?.()
    await turn()
    expect(events).to.deep.equal(['a', 'b', 'c'])
    ends[1]?.()
    ends[2]?.()
    await turn()
    ends[3]?.()
    const results = await settled
    expect(results.map(result => result.status)).to.deep.equal([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
  })
})

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
