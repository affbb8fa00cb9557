import { connectNats, NatsStore } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { NatsConnection } from 'nats'
import { setTimeout as wait } from 'node:timers/promises'
import { behavesLikeAStore, Followed } from '../support/behaves-like-a-store.js'
import { eventually } from '../support/dev-cluster.js'
import { startNats, useNats } from '../support/nats.js'

describe('the NATS store', () => {
  let connection: NatsConnection
  let buckets = 0

  after(() => connection.close())
  const nats = useNats()
  before(async () => {
    connection = await connectNats(nats().url, 'test')
  })

  it('brings a bucket that is there to the lease that is asked for now', async () => {
    const bucket = 'lease'
    const ttlOf = async () => (await (await connection.jetstream().views.kv(bucket)).status()).ttl
    for (const ttlMs of [1_000, 10_000, 500]) {
      await NatsStore.open(connection, { bucket, ttlMs })
      expect(await ttlOf()).to.equal(ttlMs)
    }
  })

  it('tells of changes again as soon as a restarted server answers', async () => {
    const own = await startNats()
    const other = await connectNats(own.url, 'test')
    try {
      const store = await NatsStore.open(other, { bucket: 'watched' })
      const told: (string | undefined)[] = []
      let heard = () => {}
      store.watch('a', entry => {
        told.push(entry?.value)
        heard()
      })
      const hears = async (value: string | undefined) => {
        while (told.length === 0 || told.at(-1) !== value)
          await new Promise<void>(resolve => {
            heard = resolve
          })
      }
      const revision = await store.put('a', 'before')
      await hears('before')
      await own.kill()
      await own.start()
      const get = () => store.get('a').catch(() => undefined)
      await eventually(10_000, get, entry => entry !== undefined)
      await store.update('a', 'after', revision)
      await hears('after')
      await store.delete('a')
      await hears(undefined)
      expect(told).to.deep.equal(['before', 'after', undefined])
    } finally {
      await other.close()
      await own.dispose()
    }
  })

  it('begins again for a follower when the server was restarted, with what has changed meanwhile', async () => {
    const own = await startNats()
    const [other, writer] = [await connectNats(own.url, 'test'), await connectNats(own.url, 'test')]
    try {
      const [store, another] = await Promise.all(
        [other, writer].map(each => NatsStore.open(each, { bucket: 'followed' })),
      )
      if (!store || !another) return expect.fail('no store')
      const follower = new Followed()
      store.follow(follower.take)
      await store.put('a', '1')
      await follower.reaches(await store.put('b', '1'))
      await own.kill()
      await own.start()
      const deleting = () => another.append('a', undefined).catch(() => undefined)
      await follower.reaches((await eventually(10_000, deleting, revision => revision !== undefined)) ?? 0)
      expect(follower.entries).to.deep.equal(await store.list())
      expect(follower.changes.filter(({ kind }) => kind === 'begun').length).to.be.greaterThan(1)
    } finally {
      await Promise.all([other.close(), writer.close()])
      await own.dispose()
    }
  })

  it('begins again for a follower of a bucket that was made anew, which it may have missed', async function () {
    // The client needs so long to notice.
    this.timeout(40_000)
    const bucket = 'made-anew'
    const before = await NatsStore.open(connection, { bucket })
    const follower = new Followed()
    before.follow(follower.take)
    await before.put('a', '1')
    await follower.reaches(await before.put('b', '1'))
    const manager = await connection.jetstreamManager()
    await manager.streams.delete(`KV_${bucket}`)
    const store = await NatsStore.open(connection, { bucket })
    for (const key of ['c', 'd', 'e', 'f']) await store.put(key, '2')
    await follower.begins(2)
    await follower.reaches(await store.append('fence', undefined))
    expect(follower.entries).to.deep.equal(await store.list())
  })

  behavesLikeAStore(
    options => NatsStore.open(connection, { bucket: `test-${++buckets}`, ...options }),
    ms => wait(ms),
  )
})
