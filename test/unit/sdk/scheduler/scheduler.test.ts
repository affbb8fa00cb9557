import { ProtocolError, Scheduler, type SchedulerOptions, silentLog } from '@tender/sdk'
import {
  decoder,
  encode,
  frameworkToLeader,
  LinkEnd,
  type MessageOf,
  type Reply,
  Subjects,
} from '@tender/sdk/protocol'
import { MemoryBroker, VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'

const offer = {
  offerId: 'o1',
  frameworkId: 'web',
  role: 'web',
  agentId: 'a1',
  hostname: 'a1.test',
  resources: { cpus: 2, 'cpus(web)': 1 },
  attributes: {},
  containerizers: ['process'],
  madeAtMs: 0,
}
const inverseOffer = {
  inverseOfferId: 'i1',
  frameworkId: 'web',
  agentId: 'a1',
  hostname: 'a1.test',
  reason: 'drain',
  unavailability: { startMs: 60_000 },
}

/** A leader that answers what the test tells it to, and writes down what it was asked. */
class PlayedLeader {
  readonly clock = new VirtualClock()
  readonly broker = new MemoryBroker(this.clock, 1)
  readonly calls: [kind: string, body: unknown][] = []
  reply: Reply = { ok: true }
  readonly #transport = this.broker.connect()
  readonly #link = new LinkEnd('m1')
  readonly #peer = { kind: 'framework', id: 'web' } as const
  readonly #subjects = new Subjects('default')

  constructor() {
    const decode = decoder(frameworkToLeader)
    this.#transport.subscribe(this.#subjects.toLeader(this.#peer), bytes => {
      const decoded = decode(bytes)
      if (!decoded.ok) throw decoded.error
      this.#answer(decoded.message)
    })
  }

  #answer({ kind, body, call }: MessageOf<typeof frameworkToLeader>): void {
    if (call === undefined || kind === 'reconcile') return
    if (kind === 'subscribe')
      return this.say('reply', { ok: true, result: { frameworkId: 'web', heartbeatMs: 5_000 } }, call)
    this.calls.push([kind, body])
    this.say('reply', this.reply, call)
  }

  say(kind: string, body: object, call?: string): void {
    const envelope = this.#link.wrap(kind, body, 1, call === undefined ? {} : { call })
    this.#transport.publish(this.#subjects.toPeer(this.#peer), encode(envelope))
  }

  async scheduler(options: Partial<SchedulerOptions> = {}): Promise<Scheduler> {
    const framework = { frameworkId: 'web', name: 'web', roles: ['web'] }
    const scheduler = new Scheduler(
      { nats: '', framework, clock: this.clock, ...options },
      this.broker.connect(),
      silentLog,
    )
    await this.clock.advance(10)
    return scheduler
  }

  /** What a call of the scheduler came to. */
  async outcome<T>(call: Promise<T>): Promise<T | string> {
    const settled = call.catch((error: unknown) =>
      error instanceof ProtocolError ? error.code : String(error),
    )
    await this.clock.advance(10)
    return await settled
  }
}

describe("a scheduler's calls", () => {
  let leader: PlayedLeader

  beforeEach(() => (leader = new PlayedLeader()))

  /** A scheduler that was made an offer. */
  async function offered() {
    const got: Parameters<Scheduler['accept']>[0][] = []
    const scheduler = await leader.scheduler({ offers: ([first]) => void (first && got.push(first)) })
    leader.say('offers', { offers: [offer] })
    await leader.clock.advance(10)
    const [first] = got
    if (!first) throw new Error('no offer came')
    return { scheduler, first }
  }

  it('accept tells all that is to be done, in order, and what became of each', async () => {
    const { scheduler, first } = await offered()
    const done = [
      { kind: 'reserve', ok: true },
      { kind: 'create', ok: false, code: 'invalid-operation', message: 'no such disk' },
    ]
    leader.reply = { ok: true, result: { tasks: [{ taskId: 't1', ok: true }], operations: done } }
    const result = leader.outcome(
      scheduler.acceptWith(first, {
        operations: [
          { reserve: 'cpus(web,dynamic):1' },
          { create: 'disk(web,dynamic)[db:/data]:5' },
          { launch: [{ taskId: 't1', resources: 'cpus(web,dynamic):1', shell: 'true' }] },
          { destroy: 'disk(web)[old:/old]:5' },
          { unreserve: 'cpus(web,dynamic):1' },
        ],
        filter: { refuseMs: 0 },
        demands: [{ role: 'web', shapes: [] }],
      }),
    )
    expect(await result).to.deep.equal({ tasks: [{ taskId: 't1', ok: true }], operations: done })
    expect(leader.calls).to.deep.equal([
      [
        'accept',
        {
          offerIds: ['o1'],
          agentId: 'a1',
          operations: [
            { kind: 'reserve', resources: { 'cpus(web,dynamic)': 1 } },
            { kind: 'create', resources: { 'disk(web,dynamic)[db:/data]': 5 } },
            {
              kind: 'launch',
              tasks: [{ taskId: 't1', resources: { 'cpus(web,dynamic)': 1 }, shell: 'true' }],
            },
            { kind: 'destroy', resources: { 'disk(web)[old:/old]': 5 } },
            { kind: 'unreserve', resources: { 'cpus(web,dynamic)': 1 } },
          ],
          filter: { refuseMs: 0 },
          demands: [{ role: 'web', shapes: [] }],
        },
      ],
    ])
  })

  it('accept is refused as a whole with an error by its code', async () => {
    const { scheduler, first } = await offered()
    leader.reply = { ok: false, code: 'invalid-operation', message: 'no such disk' }
    expect(
      await leader.outcome(scheduler.acceptWith(first, { operations: [], allOrNothing: true })),
    ).to.equal('invalid-operation')
    const accept = { offerIds: ['o1'], agentId: 'a1', operations: [], allOrNothing: true }
    expect(leader.calls).to.deep.equal([['accept', accept]])
  })

  it('decline may carry what is wanted; with no offers it is a demand', async () => {
    const { scheduler, first } = await offered()
    const demands = [{ role: 'web', shapes: [{ count: 1, resources: 'cpus:1;ports:2' }] }]
    const wire = [{ role: 'web', shapes: [{ count: 1, resources: { cpus: 1, ports: 2 } }] }]
    await leader.outcome(scheduler.decline(first, { refuseMs: 9, demands }))
    await leader.outcome(scheduler.decline([], { demands }))
    await leader.outcome(scheduler.decline([]))
    expect(leader.calls).to.deep.equal([
      ['decline', { offerIds: ['o1'], filter: { refuseMs: 9 }, demands: wire }],
      ['demand', { demands: wire }],
    ])
  })

  it('demand declares shapes, or that there are none', async () => {
    const scheduler = await leader.scheduler()
    const constraints = [[{ attribute: 'rack', equals: 'r1' }]]
    await leader.outcome(scheduler.demand('web', [{ count: 2, resources: 'cpus:1', constraints }]))
    await leader.outcome(scheduler.demand('web'))
    expect(leader.calls).to.deep.equal([
      ['demand', { demands: [{ role: 'web', shapes: [{ count: 2, resources: { cpus: 1 }, constraints }] }] }],
      ['demand', { demands: [{ role: 'web' }] }],
    ])
  })

  it('update tells other facts; they are known when the leader has taken them', async () => {
    const scheduler = await leader.scheduler({ suppressedRoles: ['web'] })
    const framework = { ...scheduler.framework, capabilities: ['gpu'] as const, minAllocatable: 'cpus:1' }
    leader.reply = { ok: false, code: 'invalid-framework', message: 'no' }
    expect(await leader.outcome(scheduler.update({ framework }))).to.equal('invalid-framework')
    expect(scheduler.framework).not.to.have.property('minAllocatable')
    leader.reply = { ok: true }
    await leader.outcome(scheduler.update({ framework }))
    expect(scheduler.framework).to.deep.equal(framework)
    expect(leader.calls.at(-1)).to.deep.equal(['update', { framework, suppressedRoles: ['web'] }])
  })

  it('inverse offers are told, answered, and taken back', async () => {
    const told: string[] = []
    const scheduler = await leader.scheduler({
      inverseOffers: async (inverseOffers, scheduler) => {
        told.push(...inverseOffers.map(({ agentId, reason }) => `${agentId}: ${reason}`))
        await scheduler.acceptInverseOffers(inverseOffers)
        await scheduler.declineInverseOffers([])
      },
      inverseOffersRescinded: (ids, reason) => void told.push(`${ids.join()}: ${reason}`),
    })
    leader.say('inverse-offers', { inverseOffers: [inverseOffer] })
    await leader.clock.advance(10)
    leader.say('rescind-inverse-offers', { inverseOfferIds: ['i1'], reason: 'it stays' })
    await leader.clock.advance(10)
    expect(told).to.deep.equal(['a1: drain', 'i1: it stays'])
    expect(leader.calls).to.deep.equal([
      ['answer-inverse-offers', { inverseOfferIds: ['i1'], answer: 'accept' }],
    ])
    await scheduler.close()
  })

  for (const [name, kind] of [
    ['suppress', 'suppress'],
    ['unsuppress', 'unsuppress'],
    ['clearFilters', 'clear-filters'],
    ['revive', 'revive'],
  ] as const) {
    it(`${name} concerns the roles that are named, or all`, async () => {
      const scheduler = await leader.scheduler()
      await leader.outcome(scheduler[name](['web']))
      await leader.outcome(scheduler[name]())
      expect(leader.calls).to.deep.equal([
        [kind, { roles: ['web'] }],
        [kind, {}],
      ])
    })
  }
})
