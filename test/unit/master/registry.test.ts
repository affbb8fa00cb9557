import {
  type KeyValueStore,
  type Log,
  type LogFields,
  silentLog,
  type StoreChange,
  type StoreFollower,
} from '@tender/sdk/runtime'
import { MemoryStore, VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { RegistryMirror } from '../../../master/registry/mirror.js'
import type { RegistryRecord } from '../../../master/registry/records.js'
import { NewerRecordError, Registry } from '../../../master/registry/registry.js'

const agent = {
  agentId: 'a1',
  hostname: 'a1',
  resources: { cpus: 1, 'cpus(prod,dynamic)': 2 },
  resourcesRevision: 3,
  attributes: {},
  containerizers: ['process' as const],
  version: '',
}

/** As long as a mirror that hears nothing is waited for. */
const patienceMs = 500

const records: RegistryRecord[] = [
  {
    kind: 'agent',
    id: 'a1',
    value: {
      v: 1,
      agent,
      state: 'gone',
      registeredAtMs: 1,
      condition: 'draining',
      drainStartedAtMs: 2,
      drainEndsAtMs: 3,
      unavailability: { startMs: 4, durationMs: 5 },
    },
  },
  {
    kind: 'framework',
    id: 'f1',
    value: { v: 1, framework: { frameworkId: 'f1', name: 'f1', roles: ['eng/web'] }, subscribedAtMs: 6 },
  },
  {
    kind: 'role',
    id: 'eng/web',
    value: { v: 1, role: 'eng/web', weight: 2.5, quota: { guarantee: { cpus: 0.5 }, limit: { mem: 0 } } },
  },
  { kind: 'cluster', id: 'settings', value: { v: 1, whitelist: ['a1'] } },
]

const content = {
  agents: [records[0]?.value],
  frameworks: [records[1]?.value],
  roles: [records[2]?.value],
  cluster: records[3]?.value,
}

/** Reads the store as a master does that has just been elected, with all that it has by then. */
type Elected = (store: KeyValueStore, log?: Log) => Registry

let lastMirror: RegistryMirror | undefined
const mirrored: Elected = (store, log = silentLog) => {
  lastMirror?.stop()
  lastMirror = new RegistryMirror(store, new VirtualClock())
  return new Registry(store, log, lastMirror)
}
const unmirrored: Elected = (store, log = silentLog) => new Registry(store, log)

for (const [name, elected] of [
  ['the registry', unmirrored],
  ['the registry with a mirror', mirrored],
] as const)
  describe(name, () => behavesLikeARegistry(elected))

function behavesLikeARegistry(elected: Elected): void {
  let store: MemoryStore
  const load = () => elected(store).load()

  beforeEach(async () => {
    store = new MemoryStore()
    const registry = elected(store)
    await registry.load()
    await registry.write(records)
  })

  it('gives another leader all that was written, of every kind', async () => {
    expect(await load()).to.deep.equal(content)
  })

  it('takes what was written without a checksum, as it used to be', async () => {
    for (const { key } of await store.list()) {
      const { value } = records.find(({ kind }) => key.startsWith(kind)) ?? expect.fail(key)
      await store.put(key, JSON.stringify(value))
    }
    expect(await load()).to.deep.equal(content)
  })

  it('leaves out a record in which any bit was flipped, or that was cut, names it, and keeps the rest', async () => {
    for (const { key, value } of await store.list()) {
      for (const damaged of damagedTexts(value)) {
        await store.put(key, damaged)
        const told: string[] = []
        const log = {
          ...silentLog,
          error: (_: string, fields: LogFields = {}) => told.push(String(fields['key'])),
        }
        const kept = await elected(store, log).load()
        expect({ told, kept }, damaged).to.deep.equal({ told: [key], kept: without(key) })
      }
      await store.put(key, value)
    }
  })

  it('can be written over a record that was left out', async () => {
    await store.put('framework.f1', 'rubbish')
    const registry = elected(store)
    await registry.load()
    await registry.write(records)
    expect(await load()).to.deep.equal(content)
  })

  it('takes a write whose answer was lost for its own', async () => {
    const unlucky = new LosingStore(store)
    const registry = elected(unlucky)
    await registry.load()
    unlucky.losesAnswers = true
    const lost = await weigh(registry, 7)
    unlucky.losesAnswers = false
    expect([lost, await weigh(registry, 8)]).to.deep.equal(['Error: timeout', 'written'])
  })

  it('keeps out what an earlier leader writes late, also to records that nobody has touched since', async () => {
    const registry = elected(store)
    await registry.load()
    const before = await weigh(registry, 7)
    const { roles } = await load()
    expect([before, roles[0]?.weight, await weigh(registry, 8)]).to.deep.equal([
      'written',
      7,
      "StoreConflictError: 'role.eng=2fweb' was changed by somebody else",
    ])
  })

  const meaningless: [name: string, key: string, value: object][] = [
    [
      'resources that are none',
      'agent.a1',
      { ...records[0]?.value, agent: { ...agent, resources: { 'cpus(': 1 } } },
    ],
    ['a role that is none', 'role.x', { v: 1, role: 'a//b', weight: 1 }],
  ]
  for (const [name, key, value] of meaningless) {
    it(`leaves out a record with ${name}`, async () => {
      await store.put(key, JSON.stringify(value))
      expect(await load()).to.deep.equal(without(key))
    })
  }
}

describe('the mirror of the registry', () => {
  let store: FollowedStore
  let clock: VirtualClock
  let mirror: RegistryMirror

  beforeEach(async () => {
    store = new FollowedStore()
    clock = new VirtualClock()
    await elected(store).write(records)
    mirror = new RegistryMirror(store, clock)
  })

  const elected = (from: KeyValueStore, log = silentLog) => new Registry(from, log, mirror)

  it('spares a new leader reading the store, with all that was written and deleted meanwhile', async () => {
    const leader = new Registry(store, silentLog)
    await leader.load()
    await leader.write([
      { kind: 'framework', id: 'f1', value: undefined },
      { kind: 'role', id: 'eng/web', value: undefined },
      { kind: 'role', id: 'ops', value: { v: 1, role: 'ops', weight: 2 } },
    ])
    store.timesListed = 0
    expect([await elected(store).load(), store.timesListed]).to.deep.equal([
      { ...content, frameworks: [], roles: [{ v: 1, role: 'ops', weight: 2 }] },
      0,
    ])
  })

  it('says nothing of damaged records before it is the leader’s to say', async () => {
    const told: unknown[] = []
    const log = { ...silentLog, error: (_: string, { key }: LogFields = {}) => told.push(key) }
    const registry = elected(store, log)
    await store.put('agent.a1', 'rubbish')
    await store.put('unknown.x', '{}')
    await turnOfTheLoop()
    const before = [...told]
    expect([before, await registry.load(), told]).to.deep.equal([
      [],
      { ...content, agents: [] },
      ['agent.a1', 'unknown.x'],
    ])
  })

  it('does not let anybody lead with newer records', async () => {
    await store.put('role.x', '{"v":2}')
    const failure = await elected(store)
      .load()
      .catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(NewerRecordError)
  })

  it('leaves what another leader writes after the fence a conflict', async () => {
    const registry = elected(store)
    await registry.load()
    await store.put('role.other', 'x')
    expect(await weigh(registry, 8)).to.match(/^StoreConflictError/)
  })

  it('is not waited for when it hears nothing any more', async () => {
    store.isHeld = true
    await store.put('agent.a1', 'rubbish')
    const loading = elected(store).load()
    await clock.advance(patienceMs)
    expect([await loading, store.timesListed]).to.deep.equal([{ ...content, agents: [] }, 1])
  })

  it('is waited for as long as more of it comes', async () => {
    store.isHeld = true
    for (let weight = 1; weight <= 5; weight++)
      await store.put('role.ops', JSON.stringify({ v: 1, role: 'ops', weight }))
    const loading = elected(store).load()
    for (let waits = 0; waits < 6; waits++) {
      await clock.advance(patienceMs * 0.9)
      store.release(1)
    }
    const { roles } = await loading
    expect([roles.map(({ weight }) => weight), store.timesListed]).to.deep.equal([[2.5, 5], 0])
  })

  it('is not believed when it is of a bucket that was there before', async () => {
    const another = new FollowedStore()
    await another.put('cluster.settings', JSON.stringify(records[3]?.value))
    await turnOfTheLoop()
    const { cluster, agents } = await elected(another).load()
    expect([cluster, agents, another.timesListed]).to.deep.equal([content.cluster, [], 1])
  })

  it('forgets what it knows when it has to begin again', async () => {
    await turnOfTheLoop()
    store.tell({ kind: 'begun' })
    store.tell({
      kind: 'written',
      entry: { key: 'role.x', value: '{"v":1,"role":"x","weight":2}', revision: 4 },
    })
    expect(await elected(store).load()).to.deep.equal({
      agents: [],
      frameworks: [],
      roles: [{ v: 1, role: 'x', weight: 2 }],
      cluster: undefined,
    })
  })

  it('hears nothing any more when it is stopped, and is not relied on', async () => {
    mirror.stop()
    const loading = elected(store).load()
    await clock.advance(patienceMs)
    expect([await loading, store.timesListed]).to.deep.equal([content, 1])
  })

  it('is of no use where the store cannot be followed', async () => {
    const deaf: KeyValueStore = Object.assign(new MemoryStore(), { follow: undefined })
    const registry = new Registry(deaf, silentLog, new RegistryMirror(deaf, clock))
    await registry.write(records)
    expect(await registry.load()).to.deep.equal(content)
  })
})

/** @returns what came of it */
function weigh(registry: Registry, weight: number): Promise<string> {
  const value = { v: 1, role: 'eng/web', weight }
  return registry.write([{ kind: 'role', id: 'eng/web', value }]).then(() => 'written', String)
}

async function turnOfTheLoop(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

/** Its followers can be kept waiting. */
class FollowedStore extends MemoryStore {
  timesListed = 0
  isHeld = false
  readonly #held: StoreChange[] = []
  #follower: StoreFollower = () => {}

  override list = (prefix?: string) => {
    this.timesListed++
    return super.list(prefix)
  }

  override follow = (follower: StoreFollower) => {
    this.#follower = follower
    return super.follow(change => (this.isHeld ? this.#held.push(change) : follower(change)))
  }

  tell(change: StoreChange): void {
    this.#follower(change)
  }

  release(count: number): void {
    for (const change of this.#held.splice(0, count)) this.tell(change)
  }
}

/** Writes, and does not say so. */
class LosingStore extends MemoryStore {
  losesAnswers = false
  readonly #store: MemoryStore

  constructor(store: MemoryStore) {
    super()
    this.#store = store
  }

  override list = (prefix?: string) => this.#store.list(prefix)
  override get = (key: string) => this.#store.get(key)
  override follow = (follower: StoreFollower) => this.#store.follow(follower)

  override append = async (key: string, value: string | undefined, after?: number) => {
    const revision = await this.#store.append(key, value, after)
    if (this.losesAnswers) throw new Error('timeout')
    return revision
  }
}

function without(key: string): object {
  return {
    agents: key.startsWith('agent') ? [] : content.agents,
    frameworks: key.startsWith('framework') ? [] : content.frameworks,
    roles: key === 'role.eng=2fweb' ? [] : content.roles,
    cluster: key.startsWith('cluster') ? undefined : content.cluster,
  }
}

/** Every bit of every character flipped, one at a time; and the text cut after every character. */
function damagedTexts(text: string): string[] {
  const places = Array.from({ length: text.length }, (_, at) => at)
  const flipped = places.flatMap(at =>
    [1, 2, 4, 8, 16, 32, 64].map(
      bit => text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1),
    ),
  )
  return [...flipped, ...places.map(at => text.slice(0, at))]
}
