import {
  agentToLeader,
  decoder,
  encode,
  frameworkToLeader,
  leaderToAgent,
  leaderToEveryone,
  leaderToFramework,
  type Messages,
} from '@tender/sdk/protocol'
import { expect } from 'chai'
import { describe, it } from 'mocha'

const received = { session: 's0', sequence: 4 }
const resources = { cpus: 0.5, disks: ['sda'], ports: [[31_000, 31_001]] }
const task = {
  taskId: 'web.1',
  name: 'web',
  resources,
  args: ['serve', '--port', '80'],
  env: { PORT: '80' },
  container: {
    image: 'web:1',
    network: 'bridge',
    portMappings: [{ containerPort: 80, hostPort: 31_000, protocol: 'tcp', name: 'http' }],
  },
  labels: { tier: 'front' },
  killGraceMs: 3_000,
}
const status = {
  frameworkId: 'f1',
  taskId: 'web.1',
  agentId: 'a1',
  state: 'FAILED',
  sequence: 3,
  timestampMs: 1_700_000_000_000,
  source: 'agent',
  reason: 'COMMAND_EXITED',
  message: 'exit status 1',
  exitCode: 1,
  ipAddress: '172.17.0.2',
}
const agent = {
  agentId: 'a1',
  hostname: 'a1.test',
  resources,
  resourcesRevision: 2,
  attributes: { rack: 'r1', slots: 4 },
  domain: { region: 'north', zone: 'north-1' },
  containerizers: ['docker', 'process'],
  version: '0.1.0',
}
const agentTask = {
  frameworkId: 'f1',
  taskId: 'web.1',
  role: 'eng/web',
  resources,
  state: 'FAILED',
  launchedAtMs: 1_700_000_000_000,
  status,
}
const offer = {
  offerId: '7-1',
  frameworkId: 'f1',
  role: '*',
  agentId: 'a1',
  hostname: 'a1.test',
  resources,
  attributes: {},
  containerizers: ['process'],
  madeAtMs: 1,
  expiresAtMs: 60_001,
}
const inverseOffer = {
  inverseOfferId: '7-i1',
  frameworkId: 'f1',
  agentId: 'a1',
  hostname: 'a1.test',
  reason: 'maintenance',
  unavailability: { startMs: 1_700_000_000_000, durationMs: 3_600_000 },
}
const offerConstraints = {
  '*': [
    [
      { attribute: 'rack', equals: 'r1' },
      { region: true, exists: true },
    ],
  ],
}
const demands = [{ role: '*', shapes: [{ count: 3, resources: { cpus: 1, ports: 2 }, constraints: [] }] }]
const framework = { frameworkId: 'f1', name: 'web', roles: ['*'], failoverTimeoutMs: 0, webUrl: 'http://f1' }
const reply = { ok: false, code: 'invalid-offer', message: 'it has gone' }

/** One whole body of each kind, by direction. */
const conversations: Record<string, [Messages, Record<string, unknown>]> = {
  'agent to leader': [
    agentToLeader,
    {
      register: { agent, tasks: [agentTask], received },
      heartbeat: { received },
      update: { status },
      reply: { ok: true, result: { offset: 0, size: 2, data: Uint8Array.of(1, 2), ended: false } },
    },
  ],
  'leader to agent': [
    leaderToAgent,
    {
      reply,
      launch: { frameworkId: 'f1', role: '*', task },
      kill: { frameworkId: 'f1', taskId: 'web.1', graceMs: 0 },
      'set-resources': { resources: { 'cpus(web,dynamic)': 1, 'disk{mount}': [5, 5] }, resourcesRevision: 3 },
      acknowledge: { frameworkId: 'f1', taskId: 'web.1', sequence: 3 },
      'read-log': { frameworkId: 'f1', taskId: 'web.1', stream: 'stdout', offset: -100, maxBytes: 100 },
      resynchronise: { reason: 'a gap' },
    },
  ],
  'framework to leader': [
    frameworkToLeader,
    {
      subscribe: {
        framework,
        suppressedRoles: ['*'],
        offerConstraints,
        demands,
        startedAtMs: 1_700_000_000_000,
        received,
      },
      heartbeat: { received },
      update: { framework, suppressedRoles: ['*'], offerConstraints },
      accept: {
        offerIds: ['7-1'],
        operations: [
          { kind: 'reserve', resources: { 'disk(web,dynamic)': 100 } },
          { kind: 'create', resources: { 'disk(web,dynamic)[db:/data]': 100 } },
          { kind: 'launch', tasks: [task] },
        ],
        filter: { refuseMs: 0 },
        allOrNothing: true,
        demands,
      },
      decline: { offerIds: ['7-1'], filter: { refuseMs: 5_000 }, demands },
      demand: { demands: [{ role: '*' }] },
      'answer-inverse-offers': { inverseOfferIds: ['7-i1'], answer: 'accept' },
      suppress: { roles: ['*'] },
      unsuppress: {},
      'clear-filters': {},
      revive: { roles: ['*'] },
      kill: { taskId: 'web.1', agentId: 'a1', graceMs: 10 },
      acknowledge: { taskId: 'web.1', agentId: 'a1', sequence: 3 },
      reconcile: { tasks: [{ taskId: 'web.1' }] },
      unsubscribe: {},
      teardown: {},
    },
  ],
  'leader to framework': [
    leaderToFramework,
    {
      reply,
      offers: { offers: [offer] },
      'inverse-offers': { inverseOffers: [inverseOffer] },
      'rescind-inverse-offers': { inverseOfferIds: ['7-i1'], reason: 'the window was changed' },
      rescind: { offerIds: ['7-1'], reason: 'expired' },
      update: { status },
      updates: { statuses: [status] },
      failed: { code: 'replaced', message: 'a newer instance' },
      resynchronise: { reason: 'a gap' },
    },
  ],
  'leader to everyone': [leaderToEveryone, { beacon: { masterId: 'm1', httpUrl: 'http://m1' } }],
}

for (const [direction, [messages, bodies]] of Object.entries(conversations)) {
  describe(`messages, ${direction}`, () => {
    const decode = decoder(messages)

    it('all have an example here', () => expect(bodies).to.have.all.keys(Object.keys(messages)))

    for (const [kind, body] of Object.entries(bodies)) {
      it(`${kind} comes as it was sent`, () => {
        const sent = { v: 1, kind, session: 's1', sequence: 1, epoch: 0, call: 'c', to: 's2', body }
        const decoded = decode(encode(sent))
        expect(decoded.ok && asPlain(decoded.message)).to.deep.equal(sent)
      })
    }

    it('are refused without their bodies', () => {
      for (const [kind, body] of Object.entries(bodies)) {
        const decoded = decode(encode({ v: 1, kind, session: 's1', sequence: 1, epoch: 0, body: [] }))
        expect([body, decoded.ok]).to.deep.equal([body, false])
      }
    })
  })
}

/** Bytes come as Node's buffers, which are a kind of Uint8Array but not equal to one. */
function asPlain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(asPlain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asPlain(item)]))
}
