import { connectNats, NatsStore } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { NatsConnection } from 'nats'
import { setTimeout as wait } from 'node:timers/promises'
import { behavesLikeAStore } from '../support/behaves-like-a-store.js'
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

  behavesLikeAStore(
    options => NatsStore.open(connection, { bucket: `test-${++buckets}`, ...options }),
    ms => wait(ms),
  )
})
