import { expect } from 'chai'
import { silentLog } from '@tender/sdk'
import { MemoryStore, settle, VirtualClock } from '@tender/sdk/testing'
import { describe, it } from 'mocha'
import type { AppRecord, InstanceRecord } from '../../../frameworks/service/core/index.js'
import { Journal, NewerStoreError, ServiceStore } from '../../../frameworks/service/store/index.js'

const app: AppRecord = {
  id: '/shop/cart',
  definition: { id: '/shop/cart', cmd: 'serve' },
  version: '2026-01-01T00:00:00.000Z',
  lastConfigChangeAt: '2026-01-01T00:00:00.000Z',
  lastScalingAt: '2026-01-01T00:00:00.000Z',
  deploymentId: 'd1',
  isDeleted: false,
}

const instance: InstanceRecord = {
  taskId: 'shop_cart.1',
  appId: '/shop/cart',
  version: app.version,
  agentId: 'a1',
  hostname: 'a1.example',
  hostPorts: [31_000],
  goal: 'run',
  state: 'RUNNING',
  stateSinceMs: 5,
  stagedAtMs: 1,
  startedAtMs: 5,
}

describe('service: store', () => {
  it('gives back what was put, and not what was removed', async () => {
    const store = new ServiceStore(new MemoryStore())
    await store.write({ kind: 'put-app', app })
    await store.write({ kind: 'put-instance', instance })
    await store.write({ kind: 'put-instance', instance: { ...instance, taskId: 'shop_cart.2' } })
    await store.write({ kind: 'remove-instance', taskId: 'shop_cart.2' })
    expect(await store.load()).to.deep.equal({ apps: [app], instances: [instance], setAside: [] })
    await store.write({ kind: 'remove-app', appId: app.id })
    expect((await store.load()).apps).to.deep.equal([])
  })

  it('sets a record aside that it cannot read, says what is wrong, and keeps the others', async () => {
    const memory = new MemoryStore()
    const store = new ServiceStore(memory)
    await store.write({ kind: 'put-app', app })
    await memory.put('app.broken', '{"v":1')
    await memory.put('instance.broken', JSON.stringify({ v: 1, ...instance, state: 'HAPPY' }))
    await memory.put('other', '{}')
    const loaded = await store.load()
    expect(loaded.apps).to.deep.equal([app])
    expect(loaded.setAside.map(({ key, problem }) => `${key}: ${problem.slice(0, 25)}`)).to.deep.equal([
      'app.broken: must be JSON',
      'instance.broken: /state: must be one of ST',
      'other: is neither an app nor an ',
    ])
    expect((await memory.get('set-aside.app.broken'))?.value).to.equal('{"v":1')
    expect((await store.load()).setAside).to.deep.equal([])
  })

  it('refuses a store that a later version has written, rather than take it for empty', async () => {
    const memory = new MemoryStore()
    await memory.put('app.later', JSON.stringify({ v: 2, ...app }))
    const error: unknown = await new ServiceStore(memory).load().catch((caught: unknown) => caught)
    expect(error).to.be.instanceOf(NewerStoreError)
    expect(await memory.get('app.later')).not.to.equal(undefined)
  })
})

describe('service: journal', () => {
  it('tries again until the store answers, and reports commits in their order', async () => {
    const memory = new FailingStore()
    const clock = new VirtualClock()
    const journal = new Journal(new ServiceStore(memory), clock, silentLog)
    const reported: string[] = []
    memory.failing.add('app.=2fshop=2fcart')
    void journal.commit([{ kind: 'put-app', app }]).then(() => reported.push('app'))
    void journal.commit([{ kind: 'put-instance', instance }]).then(() => reported.push('instance'))
    await clock.advance(1_000)
    expect(reported).to.deep.equal([])
    memory.failing.clear()
    await clock.advance(5_000)
    expect(reported).to.deep.equal(['app', 'instance'])
  })

  it('writes one entry in the order of its changes, even when the first fails at first', async () => {
    const memory = new FailingStore()
    const clock = new VirtualClock()
    const journal = new Journal(new ServiceStore(memory), clock, silentLog)
    memory.failing.add('app.=2fshop=2fcart')
    void journal.commit([{ kind: 'put-app', app }])
    void journal.commit([{ kind: 'remove-app', appId: app.id }])
    await settle()
    memory.failing.clear()
    await clock.advance(1_000)
    await journal.idle()
    expect(await memory.list()).to.deep.equal([])
  })
})

/** A store that is away for some keys. */
class FailingStore extends MemoryStore {
  readonly failing = new Set<string>()

  override async put(key: string, value: string): Promise<number> {
    if (this.failing.has(key)) throw new Error('no answer')
    return await super.put(key, value)
  }
}
