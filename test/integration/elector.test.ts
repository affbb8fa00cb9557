import { connectNats, NatsStore, silentLog, systemClock } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { NatsConnection } from 'nats'
import { Elector } from '../../master/election/elector.js'
import { useNats } from '../support/nats.js'

const leaseMs = 500

describe('the election over NATS', () => {
  const nats = useNats()
  const connections: NatsConnection[] = []

  afterEach(() => Promise.all(connections.splice(0).map(connection => connection.close())))

  async function candidate(bucket: string, masterId: string) {
    const connection = await connectNats(nats().url, masterId)
    connections.push(connection)
    const elections: { epoch: number; atMs: number }[] = []
    let deposed = ''
    const store = await NatsStore.open(connection, { bucket, ttlMs: leaseMs })
    const elector = new Elector({
      store,
      self: { masterId, httpUrl: '' },
      leaseMs,
      clock: systemClock,
      log: silentLog,
      events: {
        elected: epoch => elections.push({ epoch, atMs: Date.now() }),
        deposed: reason => {
          deposed = reason
        },
        following() {},
      },
    })
    elector.start()
    return { elector, elections, connection, store, deposed: () => deposed }
  }

  it('has one leader, replaces it at once when it resigns, and after its lease when it dies', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map(id => candidate('one', id)))
    const leader = async (...besides: unknown[]) => {
      const found = () => all.filter(each => each.elector.isLeader && !besides.includes(each))
      await until(() => found().length > 0)
      expect(found()).to.have.length(1)
      const [only] = found()
      if (!only) throw new Error('nobody leads')
      return only
    }
    const first = await leader()
    let since = Date.now()
    await first.elector.resign()
    const second = await leader(first)
    expect((second.elections[0]?.atMs ?? 0) - since).to.be.below(leaseMs / 2)

    since = Date.now()
    await second.connection.close()
    const third = await leader(first, second)
    expect((third.elections[0]?.atMs ?? 0) - since).to.be.within(leaseMs / 2, 3 * leaseMs)
    const epochs = [first, second, third].map(({ elections }) => elections[0]?.epoch ?? 0)
    expect(epochs).to.deep.equal([...new Set(epochs)].toSorted((x, y) => x - y))
    await third.elector.resign()
  })

  it('keeps its leader through a restart of NATS that is longer than the lease', async () => {
    const { elector, elections, store, deposed } = await candidate('two', 'a')
    await until(() => elector.isLeader)
    await nats().kill()
    await new Promise(resolve => setTimeout(resolve, 2 * leaseMs))
    await nats().start()
    await until(async () => (await store.get('leader').catch(() => undefined)) !== undefined)
    expect([elections.length, elector.isLeader, deposed()]).to.deep.equal([1, true, ''])
    await elector.resign()
  })
})

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5))
}
