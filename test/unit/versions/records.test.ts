import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { silentLog } from '@tender/sdk/runtime'
import { MemoryStore } from '@tender/sdk/testing'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { startAgent } from '../../../agent/start-agent.js'
import { Checkpoint } from '../../../agent/checkpoint/checkpoint.js'
import { ServiceStore } from '../../../frameworks/service/store/index.js'
import type { RegistryRecord } from '../../../master/registry/records.js'
import { NewerRecordError, Registry } from '../../../master/registry/registry.js'
import { MasterRig, launchOf, taskOf } from '../../support/master-rig.js'
import { readRecord, records } from '../../support/previous-version/version-1.js'

/** Complains of nothing: all has to be readable. */
const strictLog = {
  ...silentLog,
  error: (message: string, fields: object = {}) => expect.fail(`${message} ${JSON.stringify(fields)}`),
}

async function storeOf(entries: Readonly<Record<string, object>>): Promise<MemoryStore> {
  const store = new MemoryStore()
  for (const [key, value] of Object.entries(entries)) await store.put(key, JSON.stringify(value))
  return store
}

function ofKind(entries: Readonly<Record<string, object>>, kind: string): object[] {
  return Object.entries(entries).flatMap(([key, value]) => (key.startsWith(`${kind}.`) ? [value] : []))
}

describe('what version 1 has written: the registry', () => {
  const { registry } = records

  it('is read as it was meant', async () => {
    const content = await new Registry(await storeOf(registry), strictLog).load()
    expect(content).to.deep.equal({
      agents: ofKind(registry, 'agent'),
      frameworks: ofKind(registry, 'framework'),
      roles: ofKind(registry, 'role'),
      cluster: registry['cluster.settings'],
    })
  })

  it('is taken up by a leader of today', () => {
    const rig = new MasterRig()
    for (const [key, value] of Object.entries(registry)) {
      const [kind = '', id = ''] = key.split('.')
      rig.records.set(key, { kind, id, value } as RegistryRecord)
    }
    rig.elect()
    const { agents, frameworks, roles, whitelist } = rig.state
    expect({
      agents: agents.map(({ agentId, state }) => `${agentId} ${state}`),
      frameworks: frameworks.map(({ frameworkId, state }) => `${frameworkId} ${state}`),
      roles: roles.map(({ role, weight, quota }) => [role, weight, quota?.guarantee, quota?.limit]),
      whitelist,
      gone: [...rig.master.state.goneAgents],
    }).to.deep.equal({
      agents: ['a1 recovering', 'a2 recovering', 'a3 recovering', 'a5 unreachable'],
      frameworks: ['batch disconnected', 'db disconnected'],
      roles: [
        ['batch', 1, undefined, { cpus: 0 }],
        ['db', 1, undefined, undefined],
        ['eng/web', 2.5, { cpus: 0.5 }, { cpus: 3, mem: 2048 }],
      ],
      whitelist: ['a1.test', 'a2.test', 'a3.test'],
      gone: ['a4'],
    })
  })

  it('can be read by version 1 again, when a leader of today has written it', async () => {
    const rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024', { starts: 3 })
    rig.agent('a2', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['web'] })
    rig.framework('gone', { roles: ['web'] })
    rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })
    rig.operate({ kind: 'tear-down', frameworkId: 'gone' })
    rig.operate({ kind: 'set-quotas', quotas: [{ role: 'web', limit: { cpus: 5 } }], force: true })
    rig.operate({ kind: 'reserve', agentId: 'a2', resources: { 'cpus(web,dynamic)': 1 } })
    rig.operate({ kind: 'drain', agentId: 'a1', graceMs: 5_000 })
    rig.operate({ kind: 'set-whitelist', hostnames: ['a1'] })
    const store = new MemoryStore()
    await new Registry(store, strictLog).write([...rig.records.values()])
    const entries = await store.list()
    expect(entries.map(({ key }) => key)).to.deep.equal([
      'agent.a1',
      'agent.a2',
      'cluster.settings',
      'framework.gone',
      'framework.web',
      'role.web',
    ])
    for (const { key, value } of entries) {
      const record = JSON.parse(value) as { v: number }
      expect(record.v).to.equal(1)
      readRecord(key.split('.')[0] ?? '', record)
    }
  })

  it('is not led with when one of its records is newer, whatever its shape, and stays as it is', async () => {
    const store = await storeOf({ ...registry, 'role.x': { v: 2, name: 'x' } })
    const before = await store.list()
    const failure = await new Registry(store, silentLog).load().catch((error: Error) => error)
    expect(failure).to.be.instanceOf(NewerRecordError)
    expect((failure as Error).message).to.equal(
      "'role.x' in the registry is of version 2; this Tender reads up to 1. Start the newer one again",
    )
    expect(await store.list()).to.deep.equal(before)
  })
})

describe('what version 1 has written: an agent’s checkpoint', () => {
  const { checkpoint: files } = records
  const recordsBelow = (path: string) =>
    Object.entries(files).flatMap(([name, { record }]) => (name.startsWith(path) ? [record] : []))
  let workDir: string

  beforeEach(() => {
    workDir = mkdtempSync(join(tmpdir(), 'tender-checkpoint-'))
    for (const [name, content] of Object.entries(files)) write(name, content)
  })
  afterEach(() => rmSync(workDir, { recursive: true, force: true }))

  function write(name: string, content: object): void {
    const path = join(workDir, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(content))
  }

  function allFiles(): Record<string, string> {
    const names = (readdirSync(workDir, { recursive: true }) as string[]).toSorted()
    return Object.fromEntries(
      names.filter(isFile).map(name => [name, readFileSync(join(workDir, name), 'utf8')]),
    )
  }
  const isFile = (name: string) => /\.(json|corrupt)$/.test(name)

  it('is read as it was meant', async () => {
    const checkpoint = new Checkpoint(workDir, strictLog)
    await checkpoint.refuseNewer()
    expect({
      agentId: await checkpoint.agentId(() => 'another'),
      resources: await checkpoint.resources(),
      tasks: await checkpoint.tasks(),
    }).to.deep.equal({
      agentId: 'a1',
      resources: recordsBelow('checkpoint/resources.json')[0],
      tasks: recordsBelow('checkpoint/tasks/'),
    })
  })

  it('has the form that it has today, so that version 1 can read it again', async () => {
    const checkpoint = new Checkpoint(workDir, strictLog)
    for (const task of await checkpoint.tasks()) checkpoint.write(task)
    expect(allFiles()).to.deep.equal(
      Object.fromEntries(Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)])),
    )
  })

  for (const name of Object.keys(files)) {
    it(`is refused and stays as it is when ${name} is newer`, async () => {
      write(name, { ...files[name], v: 2 })
      const before = allFiles()
      const failure = await new Checkpoint(workDir, silentLog).refuseNewer().catch((error: Error) => error)
      expect(String(failure)).to.equal(
        `NewerFileError: ${join(workDir, name)} was written by a newer Tender (version 2; this one reads up to 1); start that one again, nothing was changed`,
      )
      expect(allFiles()).to.deep.equal(before)
    })
  }

  it('does not let an agent start on it when it is newer', async () => {
    write('checkpoint/agent.json', { ...files['checkpoint/agent.json'], v: 2 })
    const before = allFiles()
    const failure = await startAgent({
      cluster: 'test',
      nats: 'nats://127.0.0.1:1',
      workDir,
      containerizers: ['process'],
      engine: {},
      environment: {},
      log: silentLog,
      onRefused: () => {},
      onBug: () => {},
    }).catch((error: Error) => error)
    expect([(failure as Error).name, allFiles()]).to.deep.equal(['NewerFileError', before])
  })

  it('is not refused for a damaged number of its version: such a file is set aside', async () => {
    const name = 'checkpoint/tasks/db/data-1.json'
    write(name, { ...files[name], v: 3, record: {} })
    const checkpoint = new Checkpoint(workDir, silentLog)
    await checkpoint.refuseNewer()
    expect(await checkpoint.tasks()).to.have.length(recordsBelow('checkpoint/tasks/').length - 1)
    expect(existsSync(join(workDir, `${name}.corrupt`))).to.equal(true)
  })
})

describe('what version 1 has written: the store of the service framework', () => {
  const { service } = records
  const withoutVersion = (kind: string) =>
    ofKind(service, kind).map(value => {
      const { v: _, ...record } = value as { v: number }
      return record
    })

  it('is read as it was meant', async () => {
    expect(await new ServiceStore(await storeOf(service)).load()).to.deep.equal({
      apps: withoutVersion('app'),
      instances: withoutVersion('instance'),
      setAside: [],
    })
  })

  it('has the form that it has today, so that version 1 can read it again', async () => {
    const store = new MemoryStore()
    const { apps, instances } = await new ServiceStore(await storeOf(service)).load()
    for (const app of apps) await new ServiceStore(store).write({ kind: 'put-app', app })
    for (const instance of instances) await new ServiceStore(store).write({ kind: 'put-instance', instance })
    const written = (await store.list()).map(({ key, value }) => [key, JSON.parse(value)])
    expect(Object.fromEntries(written)).to.deep.equal(service)
  })

  it('is refused and stays as it is when one of its records is newer', async () => {
    const store = await storeOf({ ...service, 'app.x': { v: 2 } })
    const before = await store.list()
    const failure = await new ServiceStore(store).load().catch((error: Error) => error)
    expect([(failure as Error).name, await store.list()]).to.deep.equal(['NewerStoreError', before])
  })
})
