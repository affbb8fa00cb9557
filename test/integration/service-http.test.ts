import { createServer } from 'node:net'
import { expect } from 'chai'
import { connectNats, NatsStore, silentLog, systemClock } from '@tender/sdk'
import { MemoryStore, SeededRandom } from '@tender/sdk/testing'
import { after, before, describe, it } from 'mocha'
import { ServiceCore } from '../../frameworks/service/core/index.js'
import { createHttp, listen, type ListeningServer } from '../../frameworks/service/http/index.js'
import { startService } from '../../frameworks/service/index.js'
import { ServiceShell } from '../../frameworks/service/service-shell.js'
import { Journal, ServiceStore } from '../../frameworks/service/store/index.js'
import { useNats } from '../support/nats.js'
import { PlayedScheduler } from '../unit/service/support/played-scheduler.js'

const web = {
  id: '/shop/web',
  container: {
    docker: { image: 'tender/hello-web' },
    portMappings: [{ containerPort: 8080, hostPort: 0, name: 'http' }],
  },
  networks: [{ mode: 'container/bridge' }],
  cpus: 0.1,
  mem: 64,
  instances: 2,
  labels: { team: 'web' },
}

describe('service: HTTP API', () => {
  const service = useService()

  it('creates an app, runs it, and shows it as Marathon does', async () => {
    const created = await service.call('POST', '/v2/apps', web)
    expect(created.status).to.equal(201)
    expect(created.headers.get('location')).to.equal('/v2/apps/shop/web')
    expect(created.json).to.include({ id: '/shop/web', instances: 2, tasksHealthy: 0 })
    expect(created.json.deployments).to.have.length(1)

    const { json } = await service.call('GET', '/v2/apps/shop/web')
    expect(json.app).to.include({ tasksRunning: 2, tasksStaged: 0, cpus: 0.1, backoffSeconds: 1 })
    expect(json.app.deployments).to.deep.equal([])
    expect(json.app).not.to.have.property('waiting')
    const [task] = json.app.tasks
    expect(task).to.include({
      appId: '/shop/web',
      host: 'a1.example',
      slaveId: 'a1',
      agentId: 'a1',
      state: 'TASK_RUNNING',
      version: json.app.version,
    })
    expect(task.id).to.match(/^shop_web\./)
    expect(task.ports).to.have.length(1)
    expect(task.ipAddresses).to.deep.equal([{ ipAddress: '10.0.0.9', protocol: 'IPv4' }])
    expect(Date.parse(task.startedAt)).to.be.at.least(Date.parse(task.stagedAt))
    expect((await service.call('GET', '/v2/apps/shop/web/tasks')).json.tasks).to.deep.equal(json.app.tasks)
  })

  it('refuses to create it a second time', async () => {
    const { status, json } = await service.call('POST', '/v2/apps', web)
    expect([status, json.message]).to.deep.equal([409, "an app '/shop/web' exists already"])
  })

  it('scales by a partial update, and keeps what it does not name', async () => {
    const { status, json } = await service.call('PUT', '/v2/apps//shop/web', { instances: 3 })
    expect(status).to.equal(200)
    expect(json).to.have.all.keys('version', 'deploymentId')
    const { app } = (await service.call('GET', '/v2/apps/shop/web')).json
    expect(app).to.include({ instances: 3, tasksRunning: 3, mem: 64, version: json.version })
    expect(app.versionInfo.lastConfigChangeAt < app.versionInfo.lastScalingAt).to.equal(true)
  })

  it('replaces the whole app with partialUpdate=false', async () => {
    await service.call('PUT', '/v2/apps/shop/web?partialUpdate=false', { ...web, labels: { team: 'shop' } })
    const { app } = (await service.call('GET', '/v2/apps/shop/web')).json
    expect(app).to.deep.include({ instances: 2, labels: { team: 'shop' } })
    const { status, json } = await service.call('PUT', '/v2/apps/shop/web?partialUpdate=false', { cpus: 1 })
    expect([status, json.details[0].path]).to.deep.equal([422, '/cmd'])
  })

  it('creates an app by PUT', async () => {
    const { status, headers } = await service.call('PUT', '/v2/apps/batch', { cmd: 'sleep 1', instances: 0 })
    expect([status, headers.get('location')]).to.deep.equal([201, '/v2/apps/batch'])
  })

  it('finds apps by id, command and label', async () => {
    const idsOf = async (query: string) =>
      (await service.call('GET', `/v2/apps?${query}`)).json.apps.map((app: { id: string }) => app.id)
    expect(await idsOf('')).to.deep.equal(['/batch', '/shop/web'])
    expect(await idsOf('id=shop')).to.deep.equal(['/shop/web'])
    expect(await idsOf('cmd=sleep')).to.deep.equal(['/batch'])
    expect(await idsOf(`label=${encodeURIComponent('team in (web, shop)')}`)).to.deep.equal(['/shop/web'])
    expect(await idsOf('label=team!%3Dshop')).to.deep.equal([])
    const { apps } = (await service.call('GET', '/v2/apps?embed=apps.tasks&embed=apps.whatever&id=shop')).json
    expect(apps[0].tasks).to.have.length(2)
    expect((await service.call('GET', '/v2/apps?label=%28')).status).to.equal(400)
  })

  it('says why an app does not run', async () => {
    await service.call('POST', '/v2/apps', { id: '/huge', cmd: 'x', cpus: 1000 })
    const { app } = (await service.call('GET', '/v2/apps/huge')).json
    expect(app.waiting).to.include({ code: 'insufficient-resources' })
    expect(app.waiting.message).to.contain('lacks cpus (1000 needed')
    expect(Date.parse(app.waiting.since)).to.be.closeTo(Date.now(), 5_000)
    await service.call('DELETE', '/v2/apps/huge')
  })

  it('deletes an app: its tasks end, and it is not there any more', async () => {
    const { status, json } = await service.call('DELETE', '/v2/apps/shop/web')
    expect(status).to.equal(200)
    expect(json).to.have.all.keys('version', 'deploymentId')
    expect((await service.call('GET', '/v2/apps/shop/web')).status).to.equal(404)
    expect(service.scheduler.tasks.size).to.equal(0)
    expect((await service.call('DELETE', '/v2/apps/shop/web')).status).to.equal(404)
  })

  it('refuses a wrong app with path, rule and value of each mistake, and stores nothing', async () => {
    const { status, json } = await service.call('POST', '/v2/apps', {
      id: '/Bad',
      cmd: 'x',
      container: { docker: { image: 'nginx' }, portMappings: [{ containerPort: 80 }] },
      role: 'other',
    })
    expect(status).to.equal(422)
    expect(json.message).to.contain('/id: must be a path')
    expect(json.details.map((each: { path: string }) => each.path)).to.deep.equal([
      '/id',
      '/container/portMappings',
      '/role',
    ])
    expect(json.details[2]).to.deep.equal({
      path: '/role',
      errors: ["must be '*', the role of this service framework"],
      rule: "must be '*', the role of this service framework",
      value: 'other',
    })
    expect((await service.call('GET', '/v2/apps?id=Bad')).json.apps).to.deep.equal([])
    expect((await service.store.list('app.')).map(entry => entry.key)).to.deep.equal(['app.=2fbatch'])
  })

  it('refuses an id in the body that is not the one in the address', async () => {
    const { status, json } = await service.call('PUT', '/v2/apps/a', { id: '/b', cmd: 'x' })
    expect([status, json.details[0].path]).to.deep.equal([422, '/id'])
  })

  for (const [what, path, init, status, message] of [
    ['what is not JSON', '/v2/apps', { body: '{"id":' }, 400, 'the body must be JSON'],
    ['an empty body', '/v2/apps', {}, 400, 'the body must be JSON, got nothing'],
    ['JSON that does not say so', '/v2/apps', { body: '{}', type: 'text/plain' }, 415, 'application/json'],
    ['too much', '/v2/apps', { body: `"${'x'.repeat(300_000)}"` }, 413, '262144 bytes at most'],
    ['a path that is not there', '/v2/pods', { body: '{}' }, 404, 'there is no POST /v2/pods'],
    ['a path that cannot be read', '/v2/apps/%E0%A4%A', { method: 'GET' }, 400, 'decode'],
  ] as const) {
    it(`refuses ${what}: ${status}`, async () => {
      const { method = 'POST', body, type = 'application/json' } = init as Record<string, string>
      const response = await fetch(`${service.url()}${path}`, {
        method,
        headers: { 'content-type': type },
        ...(body === undefined ? {} : { body }),
      })
      const text = await response.text()
      expect(response.status).to.equal(status)
      expect(JSON.parse(text).message).to.contain(message)
      expect(text).not.to.contain('    at ')
    })
  }

  it('tells that it is well, and what it is', async () => {
    expect(await (await fetch(`${service.url()}/ping`)).text()).to.equal('pong')
    expect((await service.call('GET', '/health')).json).to.include({ status: 'ok', isConnected: true })
    expect((await service.call('GET', '/v2/info')).json).to.include({ name: 'tender-service', role: '*' })
  })

  it('names the port that is taken, and what to do', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => blocker.once('listening', resolve))
    const { port } = blocker.address() as { port: number }
    const error: unknown = await listen(() => {}, { host: '127.0.0.1', port }).catch(
      (caught: unknown) => caught,
    )
    expect(String(error)).to.match(new RegExp(`port ${port} on 127.0.0.1 is taken.*another one`))
    blocker.close()
  })
})

describe('service: over a real NATS, before any master leads', () => {
  const nats = useNats()

  it('stores apps, says that no master leads, and finds them again after a restart', async () => {
    const options = { nats: nats().url, cluster: 'test', http: { port: 0 } }
    const first = await startService(options)
    const created = await call(first.httpUrl, 'POST', '/v2/apps', web)
    expect(created.status).to.equal(201)
    expect(created.json.waiting).to.include({ code: 'disconnected' })
    await first.stop()

    const second = await startService(options)
    const { app } = (await call(second.httpUrl, 'GET', '/v2/apps/shop/web')).json
    expect(app).to.include({ instances: 2, version: created.json.version })
    await call(second.httpUrl, 'DELETE', '/v2/apps/shop/web')
    await second.stop()
    await second.stop()

    const connection = await connectNats(nats().url, 'test')
    const store = await NatsStore.open(connection, { bucket: 'tender-test-service' })
    expect(await store.list()).to.deep.equal([])
    await connection.close()
  })

  it('stores what came while NATS was away as soon as it is back', async () => {
    const service = await startService({ nats: nats().url, cluster: 'away', http: { port: 0 } })
    await nats().stop()
    const answer = call(service.httpUrl, 'POST', '/v2/apps', web)
    await nats().start()
    expect((await answer).status).to.equal(201)
    await service.stop()
  })

  it('stops while NATS is away', async () => {
    const service = await startService({ nats: nats().url, cluster: 'gone', http: { port: 0 } })
    await nats().stop()
    await service.stop()
    await nats().start()
  })

  it('leaves nothing open when it cannot start', async () => {
    const first = await startService({ nats: nats().url, cluster: 'taken', http: { port: 0 } })
    const port = Number(new URL(first.httpUrl).port)
    const options = { nats: nats().url, cluster: 'taken', http: { port } }
    const error: unknown = await startService(options).catch((caught: unknown) => caught)
    expect(String(error)).to.contain(`port ${port} on 127.0.0.1 is taken`)
    await first.stop()
  })
})

/** The service's parts, put together with a scheduler that plays the cluster. */
function useService() {
  const store = new MemoryStore()
  const scheduler = new PlayedScheduler()
  let http: ListeningServer | undefined
  let shell: ServiceShell | undefined

  before('start the service', async () => {
    const random = new SeededRandom(7)
    const log = silentLog
    const clock = systemClock
    shell = new ServiceShell({
      core: new ServiceCore({ role: '*', nextId: () => random.hex(12) }),
      journal: new Journal(new ServiceStore(store), clock, log),
      role: '*',
      clock,
      log,
      onFailed: reason => expect.fail(String(reason)),
    })
    shell.tell({ kind: 'recovered', apps: [], instances: [] })
    const info = { name: 'tender-service', version: '0', frameworkId: 'service', cluster: 'test' }
    http = await listen(createHttp(shell, info, log), { host: '127.0.0.1', port: 0 })
    scheduler.shell = shell
    shell.start(scheduler)
    shell.tell({ kind: 'subscribed' })
  })

  after('stop the service', async () => {
    shell?.stop()
    await http?.close()
  })

  const url = () => http?.url ?? ''
  return { store, scheduler, url, call: (...args: CallArguments) => call(url(), ...args) }
}

type CallArguments = [method: string, path: string, body?: unknown]

async function call(url: string, ...[method, path, body]: CallArguments) {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  // Not typed: tests read whatever fields they expect.
  return { status: response.status, headers: response.headers, json: JSON.parse(await response.text()) }
}
