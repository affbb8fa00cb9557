import { silentLog } from '@tender/sdk/runtime'
import { MemoryStore } from '@tender/sdk/testing'
import { expect } from 'chai'
import { describe, it } from 'mocha'
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

describe('the registry', () => {
  it('gives another leader all that was written, of every kind', async () => {
    const store = new MemoryStore()
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
    const first = new Registry(store, silentLog)
    await first.load()
    await first.write(records)
    expect(await new Registry(store, silentLog).load()).to.deep.equal({
      agents: [records[0]?.value],
      frameworks: [records[1]?.value],
      roles: [records[2]?.value],
      cluster: records[3]?.value,
    })
  })
})
