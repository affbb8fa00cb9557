import { connectNats, NatsStore } from '@tender/sdk/runtime'
import { after, before, describe } from 'mocha'
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

  behavesLikeAStore(
    options => NatsStore.open(connection, { bucket: `test-${++buckets}`, ...options }),
    ms => wait(ms),
  )
})
