import { connectNats, NatsStore } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { NatsConnection } from 'nats'
import { setTimeout as wait } from 'node:timers/promises'
import { behavesLikeAStore } from '../support/behaves-like-a-store.js'
import { useNats } from '../support/nats.js'

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

  behavesLikeAStore(
    options => NatsStore.open(connection, { bucket: `test-${++buckets}`, ...options }),
    ms => wait(ms),
  )
})
