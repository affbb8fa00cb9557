import type { Reply } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import type { ChangesView } from '../../master/core/view.js'
import { type FakeEndpoint, startFakeEndpoint } from '../support/fake-master.js'
import {
  agentOf,
  explanationOf,
  frameworkOf,
  inverseOfferOf,
  leaderOf,
  nowMs,
  roleOf,
  stateOf,
} from '../support/master-views.js'
import { expectMatchesOpenApi } from '../support/openapi.js'

const changes: ChangesView = { changes: [{ subject: 'role web', field: 'weight', from: '1', to: '2' }] }

describe('what operators change through the web endpoint', () => {
  let endpoint: FakeEndpoint
  let openapi: unknown

  beforeEach(async () => {
    endpoint = await startFakeEndpoint()
    endpoint.master.reply = { ok: true, result: changes }
    openapi ??= await (await fetch(`${endpoint.url}/api/v1/openapi.json`)).json()
  })
  afterEach(async () => {
    await endpoint.close()
  })

  /** One request such as `PUT /quota`; the answer must be as the description says. */
  async function ask(what: string, body?: unknown, headers: Record<string, string> = {}) {
    const [method = '', name = ''] = what.split(' ')
    const path = `/api/v1${name}`
    const response = await fetch(endpoint.url + path, {
      method,
      redirect: 'manual',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const answer = { status: response.status, body: text === '' ? text : JSON.parse(text) }
    expectMatchesOpenApi(openapi, { method, path, ...answer })
    return answer
  }

  async function expectRefused(what: string, body: unknown, message: string, code = 'bad-request') {
    const answer = await ask(what, body)
    expect(answer.body, what).to.deep.equal({ code, message })
    expect([answer.status, endpoint.master.asked], what).to.deep.equal([400, []])
  }

  describe('is asked of the master, and answered with what has changed', () => {
    const agentId = 'agent-1'
    const start = '2030-01-31T22:00:00+01:00'
    const good: readonly (readonly [what: string, body: unknown, call: OperatorCall])[] = [
      ['PUT /roles/web', { weight: 2.5 }, { kind: 'set-weight', role: 'web', weight: 2.5 }],
      ['PUT /roles/eng/web', { weight: 2 }, { kind: 'set-weight', role: 'eng/web', weight: 2 }],
      ['PUT /roles/eng%2Fweb', { weight: 2 }, { kind: 'set-weight', role: 'eng/web', weight: 2 }],
      ['DELETE /roles/*', undefined, { kind: 'reset-role', role: '*' }],
      [
        'PUT /quota/eng/web',
        { guarantee: { cpus: 2 }, limit: { cpus: 4, mem: 0 }, force: true },
        {
          kind: 'set-quotas',
          quotas: [{ role: 'eng/web', guarantee: { cpus: 2 }, limit: { cpus: 4, mem: 0 } }],
          force: true,
        },
      ],
      [
        'PUT /quota',
        { quotas: [{ role: 'a', limit: { cpus: 1 } }, { role: 'b' }] },
        { kind: 'set-quotas', quotas: [{ role: 'a', limit: { cpus: 1 } }, { role: 'b' }] },
      ],
      ['DELETE /quota/web', undefined, { kind: 'set-quotas', quotas: [{ role: 'web' }] }],
      [
        'POST /reservations',
        { agentId, resources: 'cpus(web,dynamic):2;mem(web, dynamic):64' },
        { kind: 'reserve', agentId, resources: { 'cpus(web,dynamic)': 2, 'mem(web,dynamic)': 64 } },
      ],
      [
        'DELETE /reservations',
        { agentId, resources: { 'cpus(web,dynamic)': 2 } },
        { kind: 'unreserve', agentId, resources: { 'cpus(web,dynamic)': 2 } },
      ],
      [
        'POST /volumes',
        { agentId, resources: 'disk(web)[data:/data]:100' },
        { kind: 'create-volumes', agentId, resources: { 'disk(web)[data:/data]': 100 } },
      ],
      [
        'DELETE /volumes',
        { agentId, resources: { 'disk(web)[data:/data]': 100 } },
        { kind: 'destroy-volumes', agentId, resources: { 'disk(web)[data:/data]': 100 } },
      ],
      [
        'PUT /maintenance',
        { agentIds: ['a', 'b'], startMs: 5, durationMs: 60_000 },
        { kind: 'set-maintenance', agentIds: ['a', 'b'], unavailability: { startMs: 5, durationMs: 60_000 } },
      ],
      [
        'PUT /maintenance',
        { agentIds: ['a'], start },
        { kind: 'set-maintenance', agentIds: ['a'], unavailability: { startMs: Date.parse(start) } },
      ],
      ['DELETE /maintenance', { agentIds: ['a'] }, { kind: 'set-maintenance', agentIds: ['a'] }],
      ['POST /agents/agent-1/drain', { graceMs: 0 }, { kind: 'drain', agentId, graceMs: 0 }],
      ['POST /agents/agent-1/drain', undefined, { kind: 'drain', agentId }],
      ['POST /agents/agent-1/deactivate', {}, { kind: 'deactivate', agentId }],
      ['POST /agents/agent-1/reactivate', undefined, { kind: 'reactivate', agentId }],
      ['DELETE /agents/agent-1?confirm=true', undefined, { kind: 'remove-agent', agentId, mayReturn: false }],
      [
        'DELETE /agents/agent-1?confirm=true&mayReturn=true',
        undefined,
        { kind: 'remove-agent', agentId, mayReturn: true },
      ],
      ['PUT /whitelist', { hostnames: ['h1', 'h2'] }, { kind: 'set-whitelist', hostnames: ['h1', 'h2'] }],
      ['PUT /whitelist', { hostnames: [] }, { kind: 'set-whitelist', hostnames: [] }],
      ['DELETE /whitelist', undefined, { kind: 'set-whitelist' }],
    ]
    for (const [what, body, call] of good) {
      it(`${what} ${body === undefined ? '' : JSON.stringify(body)}`, async () => {
        expect(await ask(what, body)).to.deep.equal({ status: 200, body: changes })
        expect(endpoint.master.asked).to.deep.equal([call])
      })
    }
  })

  describe('is refused whole, with field, rule and value, before the master is asked:', () => {
    const wrong: readonly (readonly [what: string, body: unknown, message: string])[] = [
      ['PUT /roles/web', { weight: 0 }, 'weight: must be > 0, got 0'],
      ['PUT /roles/web', { weight: '2' }, 'weight: must be number, got "2"'],
      ['PUT /roles/web', {}, 'weight: is required, got nothing'],
      ['PUT /roles/web', [2], 'the body: must be object, got [2]'],
      ['PUT /roles/web', { weight: 2, wieght: 3 }, 'wieght: is not a known field (known: weight), got 3'],
      ['PUT /quota/web', { guarantee: { cpus: -1 } }, 'guarantee.cpus: must be >= 0, got -1'],
      [
        'PUT /quota',
        { quotas: [{ role: 'a' }, { role: 'b', weight: 1 }] },
        'quotas.1.weight: is not a known field (known: role, guarantee, limit), got 1',
      ],
      [
        'POST /reservations',
        { agentId: 'a', resources: 'cpus(web:2' },
        "resources 'cpus(web:2', position 9: ')' must close the '(' of 'cpus'",
      ],
      [
        'POST /reservations',
        { agentId: 'a', resources: { 'cpus((': 2 } },
        `resources: 'cpus((': ')' must close the '(' of 'cpus', got {"cpus((":2}`,
      ],
      ['POST /reservations', { agentId: 'a', resources: '' }, 'resources: must be something, got ""'],
      [
        'PUT /maintenance',
        { agentIds: [], startMs: 1 },
        'agentIds: must NOT have fewer than 1 items, got []',
      ],
      ['PUT /maintenance', { agentIds: ['a'] }, 'one of startMs and start must be given, got neither'],
      [
        'PUT /maintenance',
        { agentIds: ['a'], startMs: 1, start: '2030-01-31T22:00:00Z' },
        'one of startMs and start must be given, got both',
      ],
      [
        'PUT /maintenance',
        { agentIds: ['a'], start: '2030-01-31 22:00' },
        'start: must be a time with its zone, such as 2030-01-31T22:00:00Z, got "2030-01-31 22:00"',
      ],
      ['POST /agents/agent-1/drain', { graceMs: 1.5 }, 'graceMs: must be integer, got 1.5'],
      [
        'POST /agents/agent-1/drain',
        { grace: '5m' },
        'grace: is not a known field (known: graceMs), got "5m"',
      ],
      ['DELETE /agents/agent-1', undefined, 'confirm: must be true to remove an agent for good, got nothing'],
      [
        'DELETE /agents/agent-1?confirm=false',
        undefined,
        'confirm: must be true to remove an agent for good, got false',
      ],
      ['DELETE /roles/web', { weight: 1 }, 'DELETE /api/v1/roles/web takes no body'],
      ['PUT /whitelist', { hostnames: 'h1' }, 'hostnames: must be array, got "h1"'],
      ['PUT /whitelist', '{"hostnames":', 'the body must be JSON: Unexpected end of JSON input'],
    ]
    for (const [what, body, message] of wrong) {
      it(`${what}: ${message}`, () => expectRefused(what, body, message))
    }
  })

  describe('is refused by the master with a status that fits:', () => {
    const refusals: readonly (readonly [what: string, body: unknown, code: string, status: number])[] = [
      ['PUT /roles/web', { weight: 2 }, 'invalid-role', 400],
      ['DELETE /roles/web', undefined, 'unknown-role', 404],
      ['PUT /quota/web', {}, 'invalid-quota', 400],
      ['PUT /quota/web', {}, 'quota-unsatisfiable', 409],
      ['PUT /quota', { quotas: [{ role: 'a' }] }, 'quota-exceeded', 409],
      ['POST /reservations', { agentId: 'a', resources: 'cpus(w):1' }, 'invalid-resources', 400],
      ['POST /reservations', { agentId: 'a', resources: 'cpus(w):1' }, 'insufficient-resources', 409],
      ['DELETE /reservations', { agentId: 'a', resources: 'cpus(w):1' }, 'unknown-reservation', 404],
      ['DELETE /volumes', { agentId: 'a', resources: 'disk(w)[d:/d]:1' }, 'resources-in-use', 409],
      ['POST /volumes', { agentId: 'a', resources: 'disk(w)[d:/d]:1' }, 'agent-unavailable', 503],
      ['PUT /maintenance', { agentIds: ['a'], startMs: 1 }, 'unknown-agent', 404],
      ['POST /agents/x/drain', {}, 'unknown-agent', 404],
      ['PUT /whitelist', { hostnames: [] }, 'registry-unavailable', 503],
      ['DELETE /agents/x?confirm=true', undefined, 'not-leader', 503],
    ]
    for (const [what, body, code, status] of refusals) {
      it(`${what}: ${code} is ${status}`, async () => {
        endpoint.master.reply = { ok: false, code, message: 'so it is' } as Reply
        expect(await ask(what, body)).to.deep.equal({ status, body: { code, message: 'so it is' } })
      })
    }

    it('a code that has no business there is a bug, and told as one', async () => {
      endpoint.master.reply = { ok: false, code: 'duplicate-task', message: 'a secret' }
      const response = await fetch(`${endpoint.url}/api/v1/whitelist`, { method: 'DELETE' })
      expect([response.status, ((await response.json()) as any).code]).to.deep.equal([500, 'internal'])
    })
  })

  describe('cannot be changed by a page of somebody else:', () => {
    it('one of another origin is refused, one of this origin is not', async () => {
      const post = async (origin: string) =>
        (await ask('POST /agents/agent-1/deactivate', undefined, { origin })).status
      const own = endpoint.url
      expect([await post('http://evil.example'), await post('null'), await post(own)]).to.deep.equal([
        403, 403, 200,
      ])
      expect(endpoint.master.asked).to.have.length(1)
    })

    it('what a form can send is refused', async () => {
      const body = '{"graceMs":0}'
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        const answer = await ask('POST /agents/agent-1/drain', body, { 'content-type': type })
        expect(answer).to.deep.equal({
          status: 415,
          body: {
            code: 'not-json',
            message: `the header Content-Type must be application/json, got ${type}`,
          },
        })
      }
      expect(endpoint.master.asked).to.deep.equal([])
    })
  })

  it('must not be too large', async () => {
    const hostnames = Array.from({ length: 20_000 }, (_, index) => `${'h'.repeat(60)}-${index}`)
    const { status, body } = await ask('PUT /whitelist', { hostnames })
    expect([status, body.code]).to.deep.equal([413, 'too-large'])
  })

  it('is the leader’s business: a standby sends there', async () => {
    endpoint.master.leads = false
    endpoint.master.knownLeader = leaderOf({ isLeader: false, httpUrl: 'http://10.0.0.2:5050' })
    const response = await fetch(`${endpoint.url}/api/v1/roles/web`, {
      method: 'PUT',
      redirect: 'manual',
      headers: { 'content-type': 'application/json' },
      body: '{"weight":2}',
    })
    expect([response.status, response.headers.get('location'), endpoint.master.asked]).to.deep.equal([
      307,
      'http://10.0.0.2:5050/api/v1/roles/web',
      [],
    ])
  })

  it('says which methods there are', async () => {
    const response = await fetch(`${endpoint.url}/api/v1/volumes`)
    expect([response.status, response.headers.get('allow'), await response.json()]).to.deep.equal([
      405,
      'POST, DELETE',
      { code: 'method-not-allowed', message: '/api/v1/volumes takes POST and DELETE, got GET' },
    ])
  })

  describe('is read back:', () => {
    it('quotas', async () => {
      const quota = { guarantee: { cpus: 2 }, consumed: { cpus: 0.5 } }
      endpoint.master.stateView = stateOf({ roles: [roleOf('eng/web', { quota }), roleOf('b')] })
      expect((await ask('GET /quota')).body).to.deep.equal([{ role: 'eng/web', ...quota }])
      expect((await ask('GET /quota/eng/web')).body).to.deep.equal({ role: 'eng/web', ...quota })
      expect(await ask('GET /quota/b')).to.deep.equal({
        status: 404,
        body: { code: 'not-found', message: "role 'b' has no quota; GET /api/v1/quota lists all" },
      })
    })

    it('reservations and volumes', async () => {
      const resources = { cpus: 4, 'cpus(web)': 2, 'disk(web,dynamic)[data:/data]': 100 }
      endpoint.master.stateView = stateOf({ agents: [agentOf('a', { resources }), agentOf('b')] })
      expect((await ask('GET /reservations')).body).to.deep.equal([
        {
          agentId: 'a',
          hostname: 'a.example',
          reserved: { 'cpus(web)': 2 },
          volumes: { 'disk(web,dynamic)[data:/data]': 100 },
        },
      ])
    })

    it('maintenance windows, with what frameworks say of them', async () => {
      const unavailability = { startMs: nowMs + 60_000, durationMs: 3_600_000 }
      const inverseOffer = inverseOfferOf('7-i1', { agentId: 'a', unavailability, answer: 'accepted' })
      endpoint.master.stateView = stateOf({
        agents: [agentOf('a', { unavailability }), agentOf('b')],
        inverseOffers: [inverseOffer],
      })
      expect((await ask('GET /maintenance')).body).to.deep.equal([
        { agentId: 'a', hostname: 'a.example', unavailability, inverseOffers: [inverseOffer] },
      ])
    })

    it('the whitelist', async () => {
      expect((await ask('GET /whitelist')).body).to.deep.equal({})
      endpoint.master.stateView = stateOf({ whitelist: ['h1'] })
      expect((await ask('GET /whitelist')).body).to.deep.equal({ hostnames: ['h1'] })
    })
  })

  describe('explains why there is no offer:', () => {
    beforeEach(() => {
      endpoint.master.stateView = stateOf({
        agents: [agentOf('agent-1')],
        frameworks: [frameworkOf('service', { roles: ['a', 'b'] })],
      })
      endpoint.master.explanations.set('service', explanationOf('service', ['a', 'b']))
    })

    it('for all roles, or for one', async () => {
      const whole = endpoint.master.explanations.get('service')
      expect((await ask('GET /explain?framework=service')).body).to.deep.equal(whole)
      const ofRole = (await ask('GET /explain?framework=service&role=b&agent=agent-1')).body
      expect(ofRole).to.deep.equal(explanationOf('service', ['b']))
    })

    for (const [query, status, message] of [
      ['', 400, "framework: must be a framework's id, got nothing"],
      ['?framework=x', 404, "there is no framework 'x'; GET /api/v1/frameworks lists all"],
      ['?framework=service&role=c', 404, "framework 'service' has no role 'c'; it has a, b"],
      ['?framework=service&agent=x', 404, "there is no agent 'x'; GET /api/v1/agents lists all"],
      ['?frame=x', 400, 'frame: is not a known parameter (known: framework, role, agent), got "x"'],
    ] as const) {
      it(`not for ${query || 'nobody'}`, async () => {
        const answer = await ask(`GET /explain${query}`)
        expect([answer.status, answer.body.message]).to.deep.equal([status, message])
      })
    }
  })
})
