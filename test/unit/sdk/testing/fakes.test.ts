import { systemClock } from '@tender/sdk/runtime'
import { MemoryBroker, MemoryStore, VirtualClock } from '@tender/sdk/testing'
import { describe } from 'mocha'
import { behavesLikeAStore } from '../../../support/behaves-like-a-store.js'
import { behavesLikeATransport } from '../../../support/behaves-like-a-transport.js'

describe('the in-memory store', () => {
  const clock = new VirtualClock()
  behavesLikeAStore(
    async options => new MemoryStore(options && { clock, ttlMs: options.ttlMs }),
    ms => clock.advance(ms),
  )
})

describe('the in-memory transport', () => {
  const broker = new MemoryBroker(systemClock)
  behavesLikeATransport(async () => broker.connect())
})
