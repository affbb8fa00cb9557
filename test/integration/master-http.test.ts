import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, systemClock } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createHttpServer, createMetrics, EventHub } from '../../master/http/index.js'
import { type FakeEndpoint, FakeMaster, startFakeEndpoint } from '../support/fake-master.js'
import { agentOf, ended, eventOf, leaderOf, offerOf, taskOf } from '../support/master-views.js'
import { expectMatchesOpenApi } from '../support/openapi.js'
import { SseReader } from '../support/sse.js'

describe("the master's web endpoint", () => {
  let endpoint: FakeEndpoint
  let webDir: string

  beforeEach(async () => {
    webDir = await mkdtemp(join(tmpdir(), 'tender-web-'))
    await mkdir(join(webDir, 'assets'))
    await writeFile(join(webDir, 'index.html'), '<!doctype html><title>Tender</title>')
    await writeFile(join(webDir, 'assets', 'index-1a2b.js'), 'export {}')
    endpoint = await startFakeEndpoint({ webDir })
  })
  afterEach(async () => {
    await endpoint.close()
    await rm(webDir, { recursive: true })
  })

  /** One request; the answer must be as the endpoint's own description says. */
  async function get(path: string): Promise<{ status: number; body: any; headers: Headers }> {
    const response = await fetch(endpoint.url + path, { redirect: 'manual' })
    const text = await response.text()
    const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
    const openapi = await (await fetch(`${endpoint.url}/api/v1/openapi.json`)).json()
    expectMatchesOpenApi(openapi, { method: 'GET', path, status: response.status, body })
    return { status: response.status, body, headers: response.headers }
  }

  async function expectError(path: string, status: number, body: object): Promise<void> {
    const answer = await get(path)
    expect({ status: answer.status, body: answer.body }).to.deep.equal({ status, body })
  }

  describe('reads', () => {
    it('gives every list, and each thing in it by its id', async () => {
      const { agents, frameworks, roles, offers, tasks } = endpoint.master.stateView
      const lists = { agents, frameworks, roles, offers, tasks }
      for (const [name, list] of Object.entries(lists)) {
        expect((await get(`/api/v1/${name}`)).body).to.deep.equal(list)
      }
      const things = {
        'agents/agent-2': agents[1],
        'frameworks/batch': frameworks[1],
        'roles/eng/web': roles[1],
        'roles/eng%2Fweb': roles[1],
        'offers/7-101': offers[0],
        'tasks/nightly-1': tasks[2],
        'tasks/web.1?framework=batch': tasks[1],
      }
      for (const [path, thing] of Object.entries(things)) {
        expect((await get(`/api/v1/${path}`)).body, path).to.deep.equal(thing)
      }
    })

    it('gives an offer that has ended', async () => {
      const { body } = await get('/api/v1/offers/7-99')
      expect(body).to.deep.equal(endpoint.master.stateView.recentOffers[1])
    })

    it('gives the whole state, and the event to go on from', async () => {
      endpoint.hub.publish(eventOf({ kind: 'agent-removed', agentId: 'agent-9' }))
      const { body, headers } = await get('/api/v1/state')
      expect(body).to.deep.equal(endpoint.master.stateView)
      expect(headers.get('x-event-id')).to.equal('master-1-7.1')
      expect(Math.abs(Number(headers.get('x-now-ms')) - Date.now())).to.be.below(5_000)
    })

    it('gives leader and health', async () => {
      expect((await get('/api/v1/leader')).body).to.deep.equal(leaderOf())
      const { uptimeMs, ...health } = (await get('/api/v1/health')).body
      expect(health).to.deep.equal({ status: 'healthy', problems: [], isLeader: true, version: '0.1.0' })
      expect(uptimeMs).to.be.within(0, 60_000)
    })

    it('says with 503 what keeps it from its work', async () => {
      endpoint.master.problemList = ['not connected to NATS']
      const { status, body } = await get('/api/v1/health')
      expect([status, body.status, body.problems]).to.deep.equal([
        503,
        'unhealthy',
        ['not connected to NATS'],
      ])
    })

    it('describes itself', async () => {
      const { body } = await get('/api/v1/openapi.json')
      const plural = ['agents', 'frameworks', 'roles', 'offers', 'tasks']
      const known = ['health', 'state', 'leader', 'events', ...plural].map(name => `/api/v1/${name}`)
      expect(Object.keys(body.paths)).to.include.members(['/metrics', ...known])
    })

    it('never says what it runs on, and lets nothing from elsewhere in', async () => {
      const { headers } = await get('/api/v1/state')
      const wanted = ['content-security-policy', 'x-content-type-options', 'x-frame-options', 'x-powered-by']
      expect(wanted.map(name => headers.get(name))).to.deep.equal([
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
        'nosniff',
        'DENY',
        null,
      ])
    })
  })

  describe('refuses', () => {
    for (const [path, what, id] of [
      ['agents/x', 'agent', 'x'],
      ['frameworks/x', 'framework', 'x'],
      ['roles/eng/x', 'role', 'eng/x'],
      ['offers/x', 'offer', 'x'],
      ['tasks/x', 'task', 'x'],
    ] as const) {
      it(`an unknown ${what} by name`, async () => {
        const message = `there is no ${what} '${id}'; GET /api/v1/${what}s lists all`
        await expectError(`/api/v1/${path}`, 404, { code: 'not-found', message })
      })
    }

    it('a task id that several frameworks use', async () => {
      const message = "2 frameworks have a task 'web.1': name one with ?framework=, of service, batch"
      const body = { code: 'ambiguous-task', message, frameworkIds: ['service', 'batch'] }
      await expectError('/api/v1/tasks/web.1', 409, body)
      await expectError('/api/v1/tasks/web.1/logs', 409, body)
    })

    it('a wrong parameter, by field, rule and value', async () => {
      const message = 'offset: must be a whole number, got "x"'
      await expectError('/api/v1/tasks/nightly-1/logs?offset=x', 400, { code: 'bad-request', message })
      const unknown = 'state: is not a known parameter (known: none), got "RUNNING"'
      await expectError('/api/v1/tasks?state=RUNNING', 400, { code: 'bad-request', message: unknown })
    })

    it('a path that is not there, one that cannot be read, and a change', async () => {
      const asked = [
        await fetch(`${endpoint.url}/api/v1/nothing`),
        await fetch(`${endpoint.url}/api/v1/agents/%zz`),
        await fetch(`${endpoint.url}/api/v1/agents`, { method: 'POST' }),
      ]
      const answers = await Promise.all(
        asked.map(async each => [each.status, ((await each.json()) as any).code]),
      )
      expect(answers).to.deep.equal([
        [404, 'not-found'],
        [400, 'bad-request'],
        [405, 'method-not-allowed'],
      ])
    })

    it('to say more of its own bug than that it is one', async () => {
      endpoint.master.agents = () => {
        throw new Error('a secret of the master')
      }
      const response = await fetch(`${endpoint.url}/api/v1/agents`)
      expect([response.status, await response.json()]).to.deep.equal([
        500,
        { code: 'internal', message: 'the master failed; its log says how' },
      ])
    })
  })

  describe('of a master that does not lead', () => {
    beforeEach(() => {
      endpoint.master.leads = false
      endpoint.master.knownLeader = leaderOf({
        isLeader: false,
        masterId: 'm2',
        httpUrl: 'http://10.0.0.2:5050/',
      })
    })

    it('sends reads and the page to the leader', async () => {
      const paths = [
        '/api/v1/state',
        '/api/v1/roles/eng/web',
        '/api/v1/tasks/web.1/logs?follow',
        '/api/v1/events',
        '/',
      ]
      const answers = await Promise.all(
        paths.map(async path => {
          const { status, headers } = await fetch(endpoint.url + path, { redirect: 'manual' })
          return [status, headers.get('location')]
        }),
      )
      expect(answers).to.deep.equal(paths.map(path => [307, `http://10.0.0.2:5050${path}`]))
    })

    it('answers health, leader, metrics and its description by itself', async () => {
      const paths = ['health', 'leader', 'openapi.json'].map(name => `/api/v1/${name}`)
      const answers = await Promise.all([...paths, '/metrics'].map(async path => (await get(path)).status))
      expect(answers).to.deep.equal([200, 200, 200, 200])
    })

    it('says that there is no leader when it knows of none', async () => {
      endpoint.master.knownLeader = undefined
      const paths = ['state', 'leader', 'offers/7-101', 'events', 'tasks/web.1/logs?follow']
      for (const path of paths) {
        const { status, body, headers } = await get(`/api/v1/${path}`)
        expect([status, body.code, headers.get('retry-after')]).to.deep.equal([503, 'no-leader', '1'])
      }
    })
  })

  describe('the event stream', () => {
    const removed = (agentId: string) => eventOf({ kind: 'agent-removed', agentId })
    const readers: SseReader[] = []
    const open = async (query = '', headers = {}) => {
      const reader = await SseReader.open(`${endpoint.url}/api/v1/events${query}`, headers)
      readers.push(reader)
      return reader
    }
    const idsOf = (messages: readonly { id?: string | undefined }[]) => messages.map(message => message.id)

    afterEach(() => {
      for (const reader of readers.splice(0)) reader.close()
    })

    it('tells what happens from now on, as described', async () => {
      endpoint.hub.publish(removed('before'))
      const reader = await open()
      const event = eventOf({ kind: 'offer-ended', offer: ended(offerOf('7-1'), 'declined') })
      endpoint.hub.publish(event)
      const [message] = await reader.take(1)
      expect(message).to.deep.include({ id: 'master-1-7.2', event: undefined, data: JSON.stringify(event) })
    })

    it('goes on after the event that a client names; the header wins over the address', async () => {
      for (const id of ['a', 'b', 'c']) endpoint.hub.publish(removed(id))
      const byQuery = await open('?lastEventId=master-1-7.1')
      const byHeader = await open('?lastEventId=master-1-7.1', { 'Last-Event-ID': 'master-1-7.2' })
      expect(idsOf(await byQuery.take(2))).to.deep.equal(['master-1-7.2', 'master-1-7.3'])
      expect(idsOf(await byHeader.take(1))).to.deep.equal(['master-1-7.3'])
    })

    it('says that the state must be fetched when the event is of another leader, then goes on', async () => {
      const reader = await open('?lastEventId=master-1-6.5')
      endpoint.hub.publish(removed('a'))
      const messages = await reader.take(2)
      expect(messages.map(({ id, event }) => [id, event])).to.deep.equal([
        ['master-1-7.0', 'reset'],
        ['master-1-7.1', undefined],
      ])
    })

    it('says so too when this master is elected again', async () => {
      const reader = await open()
      endpoint.hub.begin('master-1-9')
      const [message] = await reader.take(1)
      expect(message).to.deep.include({
        id: 'master-1-9.0',
        event: 'reset',
        data: '{"reason":"these events are of another leadership"}',
      })
    })

    it('ends when this master leads no more, and says so', async () => {
      const reader = await open()
      endpoint.hub.end()
      await reader.ended()
      const messages = (await reader.take(2)).map(({ event, data }) => ({ event, data }))
      expect(messages).to.deep.equal([{ event: 'reset', data: '{"reason":"this master leads no more"}' }])
    })

    it('ends when the endpoint is closed', async () => {
      const reader = await open()
      await endpoint.close()
      await reader.ended()
    })

    it('brings thousands of missed events to a client that reads, in order', async () => {
      for (let number = 1; number <= 4_000; number++) {
        endpoint.hub.publish(eventOf({ kind: 'agent', agent: agentOf(`agent-${number}`) }))
      }
      const reader = await open('?lastEventId=master-1-7.0')
      const ids = idsOf(await reader.take(4_000))
      expect(ids).to.deep.equal(Array.from({ length: 4_000 }, (_, index) => `master-1-7.${index + 1}`))
    })

    it('drops a client that does not read when it has fallen too far behind, and keeps the others', async () => {
      const other = await open()
      const { port } = new URL(endpoint.url)
      const slow = connect(Number(port), '127.0.0.1')
      slow.on('error', () => {})
      slow.write('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(slow, 'data')
      slow.pause()
      const dropped = new Promise<void>(resolve => void slow.once('close', () => resolve()))
      // More than the socket's buffers hold and the hub remembers.
      const filler = 'x'.repeat(2_000)
      for (let round = 0; round < 30; round++) {
        for (let number = 0; number < 1_000; number++) endpoint.hub.publish(removed(filler))
        await other.take(1_000)
      }
      slow.resume()
      await dropped
      endpoint.hub.publish(removed('last'))
      expect(idsOf(await other.take(1))).to.deep.equal(['master-1-7.30001'])
    })
  })

  describe("a task's log", () => {
    const logUrl = (query: string) => `/api/v1/tasks/nightly-1/logs${query}`
    const setLog = (text: string, isEnded = true, stream = 'stdout') => {
      const log = { bytes: Buffer.from(text), ended: isEnded }
      endpoint.master.logs.set(`batch/nightly-1/${stream}`, log)
      return log
    }

    it('is the output, or a part of it', async () => {
      setLog('0123456789')
      setLog('oops', true, 'stderr')
      const parts = [
        '',
        '?stream=stderr',
        '?offset=7',
        '?offset=-3',
        '?offset=2&limit=3',
        '?offset=99',
        '?limit=0',
      ]
      const texts = await Promise.all(parts.map(async query => (await get(logUrl(query))).body))
      expect(texts).to.deep.equal(['0123456789', 'oops', '789', '789', '234', '', ''])
    })

    it('says where in the log it stands', async () => {
      setLog('0123456789')
      const { headers } = await get(logUrl('?offset=-4'))
      const told = ['content-type', 'x-log-size', 'x-log-offset'].map(name => headers.get(name))
      expect(told).to.deep.equal(['text/plain; charset=utf-8', '10', '6'])
    })

    it('comes whole when it is larger than one chunk', async () => {
      const text = 'a line of a log\n'.repeat(60_000)
      setLog(text)
      expect((await get(logUrl(''))).body === text).to.equal(true)
    })

    it('is followed until the task has ended', async () => {
      const log = setLog('one\n', false)
      const response = await fetch(endpoint.url + logUrl('?follow=true'))
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      const first = await reader.read()
      log.bytes = Buffer.from('one\ntwo\n')
      const second = await reader.read()
      log.ended = true
      const last = await reader.read()
      expect([first.value, second.value, last.done]).to.deep.equal(['one\n', 'two\n', true])
    })

    it('is read no more when the client that follows it is gone', async () => {
      setLog('one\n', false)
      const abort = new AbortController()
      const response = await fetch(endpoint.url + logUrl('?follow'), { signal: abort.signal })
      await response.body!.getReader().read()
      abort.abort()
      await delay(300)
      let reads = 0
      endpoint.master.readLog = () => {
        reads += 1
        throw new Error('nobody is there to read for')
      }
      await delay(300)
      expect(reads).to.equal(0)
    })

    it('breaks off, so that nobody takes it for whole, when it cannot be read to its end', async () => {
      setLog('one\n', false)
      const response = await fetch(endpoint.url + logUrl('?follow'))
      endpoint.master.logs.clear()
      const outcome = await response.text().catch((error: Error) => error.message)
      expect(outcome).to.equal('terminated')
    })

    it('cannot be had while its agent cannot be reached', async () => {
      const message = 'the log cannot be read: agent agent-2 cannot be reached'
      await expectError(logUrl(''), 503, { code: 'agent-unavailable', message })
    })
  })

  describe('the figures for Prometheus', () => {
    async function figures(): Promise<string[]> {
      const { body } = await get('/metrics')
      return (body as string).split('\n').filter(line => line.startsWith('tender_') && !line.endsWith(' 0'))
    }

    it('are of the state as it is', async () => {
      expect(await figures()).to.deep.equal([
        'tender_leader 1',
        'tender_epoch 7',
        'tender_agents{state="registered"} 2',
        'tender_agents{state="unreachable"} 1',
        'tender_frameworks{state="connected"} 1',
        'tender_frameworks{state="disconnected"} 1',
        'tender_tasks{state="STAGING"} 1',
        'tender_tasks{state="RUNNING"} 1',
        'tender_tasks{state="FAILED"} 1',
        'tender_offers_outstanding 2',
      ])
    })

    it('count what was published', async () => {
      endpoint.master.leads = false
      endpoint.hub.publish(eventOf({ kind: 'offer-made', offer: offerOf('7-1') }))
      endpoint.hub.publish(eventOf({ kind: 'offer-made', offer: offerOf('7-2') }))
      endpoint.hub.publish(
        eventOf({ kind: 'offer-ended', offer: ended(offerOf('7-1'), 'declined', { ageMs: 400 }) }),
      )
      endpoint.hub.publish(eventOf({ kind: 'task', task: taskOf('web.1') }))
      const lines = (await figures()).filter(line => !line.includes('_bucket'))
      expect(lines).to.deep.equal([
        'tender_epoch 7',
        'tender_offers_made_total 2',
        'tender_offers_ended_total{outcome="declined"} 1',
        'tender_task_updates_total{state="RUNNING"} 1',
        'tender_offer_age_seconds_sum{outcome="declined"} 0.4',
        'tender_offer_age_seconds_count{outcome="declined"} 1',
      ])
    })

    it("are the allocator's own, and what it tells of no more is gone", async () => {
      const share = { name: 'tender_allocator_dominant_share', labels: { role: 'eng/web' }, value: 0.25 }
      const labels = { role: 'eng/web', resource: 'cpus' }
      const guarantee = { name: 'tender_allocator_quota_guarantee', labels, value: 0.5 }
      const ofAllocator = async () => {
        const { body } = await get('/metrics')
        return (body as string).split('\n').filter(line => /^tender_allocator_(?!cycle)/.test(line))
      }
      endpoint.master.series = [share, guarantee]
      expect(await ofAllocator()).to.deep.equal([
        'tender_allocator_dominant_share{role="eng/web"} 0.25',
        'tender_allocator_quota_guarantee{role="eng/web",resource="cpus"} 0.5',
      ])
      endpoint.master.series = [{ ...share, value: 0 }]
      expect(await ofAllocator()).to.deep.equal(['tender_allocator_dominant_share{role="eng/web"} 0'])
      endpoint.master.leads = false
      expect(await ofAllocator()).to.deep.equal([])
    })

    it('tell how long making offers took', async () => {
      endpoint.master.leads = false
      endpoint.metrics.cycleTook(0.5)
      endpoint.metrics.cycleTook(15)
      const lines = (await figures()).filter(line => line.startsWith('tender_allocator_cycle_seconds'))
      expect(lines.filter(line => !line.includes('_bucket'))).to.deep.equal([
        'tender_allocator_cycle_seconds_sum 0.0155',
        'tender_allocator_cycle_seconds_count 2',
      ])
      expect(lines).to.include.members([
        'tender_allocator_cycle_seconds_bucket{le="0.001"} 1',
        'tender_allocator_cycle_seconds_bucket{le="0.02"} 2',
      ])
    })
  })

  describe('the page', () => {
    it('is served with its assets', async () => {
      const page = await fetch(`${endpoint.url}/`)
      const asset = await fetch(`${endpoint.url}/assets/index-1a2b.js`)
      expect([page.status, page.headers.get('cache-control'), await page.text()]).to.deep.equal([
        200,
        'no-cache',
        '<!doctype html><title>Tender</title>',
      ])
      expect([asset.status, asset.headers.get('cache-control')]).to.deep.equal([
        200,
        'public, max-age=31536000, immutable',
      ])
    })

    it('is served while there is no leader, so that it can say so', async () => {
      endpoint.master.leads = false
      endpoint.master.knownLeader = undefined
      expect((await fetch(`${endpoint.url}/`)).status).to.equal(200)
    })

    it('says what to do when it is not built', async () => {
      await rm(join(webDir, 'index.html'))
      const response = await fetch(`${endpoint.url}/`)
      expect([response.status, await response.text()]).to.deep.equal([
        404,
        'The web page is not built: run `npm run build`.\n',
      ])
    })
  })

  it('says what to do when its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const [master, hub] = [new FakeMaster(), new EventHub()]
    const options = { master, hub, metrics: createMetrics(master, hub), clock: systemClock, log: silentLog }
    const server = createHttpServer({ ...options, version: '0.1.0', webDir })
    const message = await server.listen('127.0.0.1', port).catch((error: Error) => error.message)
    taken.close()
    expect(message).to.equal(
      `the web endpoint cannot listen on 127.0.0.1 port ${port}: the port is taken; ` +
        'stop the program that has it, or choose another port (0 takes a free one)',
    )
  })
})
