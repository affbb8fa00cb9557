import { type LogFields, silentLog } from '@tender/sdk/runtime'
import { MemoryStore } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { RegistryRecord } from '../../../master/registry/records.js'
import { Registry } from '../../../master/registry/registry.js'

const agent = {
  agentId: 'a1',
  hostname: 'a1',
  resources: { cpus: 1, 'cpus(prod,dynamic)': 2 },
  resourcesRevision: 3,
  attributes: {},
  containerizers: ['process' as const],
  version: '',
}

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

describe('the registry', () => {
  let store: MemoryStore
  const load = () => new Registry(store, silentLog).load()

  beforeEach(async () => {
    store = new MemoryStore()
    const registry = new Registry(store, silentLog)
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
        const kept = await new Registry(store, log).load()
        expect({ told, kept }, damaged).to.deep.equal({ told: [key], kept: without(key) })
      }
      await store.put(key, value)
    }
  })

  it('can be written over a record that was left out', async () => {
    await store.put('framework.f1', 'rubbish')
    const registry = new Registry(store, silentLog)
    await registry.load()
    await registry.write(records)
    expect(await load()).to.deep.equal(content)
  })

  it('takes a write whose answer was lost for its own', async () => {
    const unlucky = new LosingStore(store)
    const registry = new Registry(unlucky, silentLog)
    await registry.load()
    unlucky.losesAnswers = true
    const lost = await weigh(registry, 7)
    unlucky.losesAnswers = false
    expect([lost, await weigh(registry, 8)]).to.deep.equal(['Error: timeout', 'written'])
  })

  it('keeps out what an earlier leader writes late, also to records that nobody has touched since', async () => {
    const registry = new Registry(store, silentLog)
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
})

/** @returns what came of it */
function weigh(registry: Registry, weight: number): Promise<string> {
  const value = { v: 1, role: 'eng/web', weight }
  return registry.write([{ kind: 'role', id: 'eng/web', value }]).then(() => 'written', String)
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
