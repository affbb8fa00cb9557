import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { eventually } from '../support/dev-cluster.js'
import { RunningCluster, textOf } from '../support/running-cluster.js'

/** What is offered with `cpus`, where nothing else matters. */
const rest = 'mem:1024;disk:100;ports:[31000-31009]'

/** One story each, through the whole of it: an operator's command or request, NATS, masters, agents, the SDK. */
describe('allocation in a running cluster', function () {
  this.timeout(60_000)
  let cluster: RunningCluster

  afterEach(async () => {
    await cluster.dispose()
  })

  it('keeps a guarantee free for a role without frameworks, and refuses what the cluster does not have', async () => {
    cluster = await RunningCluster.start({ a1: `cpus:4;${rest}`, a2: `cpus:4;${rest}` })
    const batch = await cluster.framework('batch', { roles: ['batch'], minAllocatable: 'cpus:0.5' })
    await batch.holds({ a1: `cpus:4;${rest}`, a2: `cpus:4;${rest}` })

    const set = await cluster.ask('PUT /quota', { quotas: [{ role: 'prod', guarantee: { cpus: 6 } }] })
    expect(set).to.deep.equal({
      status: 200,
      body: { changes: [{ subject: 'role prod', field: 'guarantee', to: 'cpus:6' }] },
    })
    await batch.holds({ a1: `cpus:2;${rest}` })
    expect(await cluster.reasons('batch')).to.deep.equal({ a1: 'offered', a2: 'headroom' })
    const explained = await cluster.tender('explain', 'batch')
    expect(explained.stdout).to.match(/ 1 +headroom .*a2 .*cpus:6 must stay free for guarantees/)

    const prod = await cluster.framework('prod', { roles: ['prod'], minAllocatable: 'cpus:0.5' })
    await prod.until('cpus:6', () => sumOf(prod.offered, 'cpus') === 6)

    const refused = await cluster.tender('quota', 'set', 'prod', '--guarantee', 'cpus:9')
    expect([refused.status, refused.stderr]).to.satisfy(
      ([status, text]: [number, string]) => status === 1 && /answers 409: .*cpus:8.*cpus:9/.test(text),
    )
    const both = [
      { role: 'good', limit: { cpus: 1 } },
      { role: 'bad', guarantee: { cpus: 100 } },
    ]
    const { status, body } = await cluster.ask('PUT /quota', { quotas: both })
    expect([status, body.code]).to.deep.equal([409, 'quota-unsatisfiable'])
    const listed = async () =>
      (await cluster.ask('GET /quota')).body.map((quota: { role: string }) => quota.role)
    expect(await listed()).to.deep.equal(['prod'])
    expect((await cluster.ask('PUT /quota', { quotas: both, force: true })).status).to.equal(200)
    expect(await listed()).to.deep.equal(['bad', 'good', 'prod'])
  })

  it('holds a role and those below it together within a limit', async () => {
    cluster = await RunningCluster.start({ a1: `cpus:4;${rest}`, a2: `cpus:4;${rest}` })
    await cluster.ask('PUT /quota/eng', { limit: { cpus: 3 } })
    const web = await cluster.framework('web', { roles: ['eng/web'], minAllocatable: 'cpus:0.5' })
    await web.holds({ a1: `cpus:3;${rest}` })
    await web.launch('a1', 'cpus:2;mem:64', 'web-1')
    await web.holds({ a1: `cpus:1;mem:960;disk:100;ports:[31000-31009]` })
    const eng = await cluster.framework('eng', { roles: ['eng'], minAllocatable: 'cpus:0.5' })
    expect(await cluster.reasons('eng')).to.deep.equal({ a1: 'role-over-limit', a2: 'role-over-limit' })
    await web.scheduler.decline(web.take(), { refuseMs: 60_000 })
    await eng.until('cpus:1', () => sumOf(eng.offered, 'cpus') === 1)
    const { body } = await cluster.ask('GET /quota/eng')
    expect(body).to.deep.include({ role: 'eng', limit: { cpus: 3 }, consumed: { cpus: 3 } })

    const figures = await cluster.metrics()
    expect(figures).to.include.members([
      'tender_allocator_resources_total{resource="cpus"} 8',
      'tender_allocator_resources_held{resource="cpus"} 3',
      'tender_allocator_quota_limit{role="eng",resource="cpus"} 3',
      'tender_allocator_quota_held{role="eng",resource="cpus"} 3',
      'tender_allocator_filters_active{role="eng/web"} 1',
    ])

    const child = await cluster.ask('PUT /quota/eng/web', { limit: { cpus: 1 } })
    expect([child.status, child.body.code]).to.deep.equal([409, 'quota-exceeded'])
    expect((await cluster.tender('quota', 'remove', 'eng')).stdout).to.equal(
      'role eng: limit cpus:3 -> none\n',
    )
    await eng.until(
      'the other agent, too',
      () => sumOf(eng.offered, 'cpus') + sumOf(web.offered, 'cpus') === 6,
    )
  })

  it('serves roles by their shares over their weights', async () => {
    cluster = await RunningCluster.start({ a1: `cpus:2;${rest}`, a2: `cpus:2;${rest}`, a3: `cpus:2;${rest}` })
    await cluster.ask('PUT /roles/heavy', { weight: 4 })
    const heavy = await cluster.framework('heavy', { roles: ['heavy'] })
    await heavy.holds({ a1: '', a2: '', a3: '' })
    await heavy.launch('a1', `cpus:2;${rest}`, 'heavy-1')
    await heavy.scheduler.suppress()
    await heavy.scheduler.decline(heavy.take())
    const light = await cluster.framework('light', { roles: ['light'] })
    await light.holds({ a2: '', a3: '' })
    await light.launch('a3', 'cpus:1;mem:64', 'light-1')
    await light.scheduler.suppress()
    await light.scheduler.decline(light.take())

    const shares = async () =>
      Object.fromEntries(
        [...(await cluster.roles())].map(([name, role]) => [name, [role.weight, role.dominantShare]]),
      )
    const [third, sixth] = [1 / 3, 1 / 6]
    expect(await shares()).to.deep.equal({ heavy: [4, third / 4], light: [1, sixth] })
    // Rescinds what the first of them has been offered meanwhile, so that both compete.
    await Promise.all([heavy.scheduler.revive(), light.scheduler.revive()])
    await cluster.ask('PUT /roles/heavy', { weight: 5 })
    await heavy.until('the offer of a2', () => 'a2' in heavy.offered && !('a2' in light.offered))
    const { stdout } = await cluster.tender('roles', 'weight', 'heavy', '1')
    expect(stdout).to.equal('role heavy: weight 5 -> 1\n')
    await light.until('the offer of a2', () => 'a2' in light.offered && !('a2' in heavy.offered))
    expect((await cluster.tender('roles')).stdout).to.match(/^heavy +1 +0\.\d{3} .*\nlight +1 +0\.\d{3} /m)
  })

  it('keeps reservations through the death of the leader and of the agent', async () => {
    cluster = await RunningCluster.start(
      {
        a1: `cpus:4;cpus(db):1;mem:1024;disk:1000;ports:[31000-31009]`,
        a2: 'cpus(db):1;mem(db):64;disk:0;ports:[]',
      },
      { standby: true },
    )
    const web = await cluster.framework('web', { roles: ['web'] })
    await web.holds({ a1: 'cpus:4;mem:1024;disk:1000;ports:[31000-31009]' })
    const db = await cluster.framework('db', { roles: ['db'] })
    await db.holds({ a1: 'cpus(db):1', a2: 'cpus(db):1;mem(db):64' })
    expect(await cluster.reasons('web')).to.deep.equal({ a1: 'offered', a2: 'reserved-for-other-role' })
    await db.scheduler.suppress()

    const volume = 'disk(web,dynamic)[index:/data]:100'
    const operations = (disk: number) => [
      { reserve: `cpus(web,dynamic):1;disk(web,dynamic):${disk}` },
      { create: volume },
      {
        launch: [
          { taskId: `index-${disk}`, resources: `cpus(web,dynamic):1;${volume}`, shell: 'exec sleep 1000' },
        ],
      },
    ]
    const [offer] = web.take('a1')
    if (!offer) throw new Error('there is no offer')
    const refused = await codeOf(
      web.scheduler.acceptWith(offer, { operations: operations(50), allOrNothing: true }),
    )
    expect(refused).to.equal('insufficient-resources')
    expect(await cluster.total('a1')).to.not.include('dynamic')
    const accepted = await web.scheduler.acceptWith(offer, {
      operations: operations(200),
      allOrNothing: true,
    })
    expect(accepted).to.deep.equal({
      tasks: [{ taskId: 'index-200', ok: true }],
      operations: [
        { kind: 'reserve', ok: true },
        { kind: 'create', ok: true },
      ],
    })
    await web.hears('index-200', 'RUNNING')
    const reserved = await cluster.tender('reserve', 'a1', 'cpus(ops,dynamic):1')
    expect([reserved.status, reserved.stdout]).to.satisfy(
      ([status, text]: [number, string]) => status === 0 && text.includes('cpus(ops,dynamic):1'),
    )
    const total = await cluster.total('a1')
    for (const each of ['cpus:2', 'cpus(db):1', 'cpus(ops,dynamic):1', 'cpus(web,dynamic):1', volume])
      expect(total.split(';')).to.include(each)

    await cluster.killLeader()
    expect(await cluster.total('a1')).to.equal(total)
    expect((await cluster.task('index-200')).state).to.equal('RUNNING')
    await cluster.killAgent('a1')
    cluster.startAgent('a1')
    await web.until('another offer of a1', () => 'a1' in web.offered || undefined)
    const again = await eventually(
      10_000,
      () => cluster.agentIs('a1', 'registered'),
      ({ resources, taskCount }) => textOf(resources) === total && taskCount === 1,
    )
    expect(textOf(again.allocated)).to.equal(`cpus(web,dynamic):1;${volume}`)

    const inUse = await cluster.ask('DELETE /reservations', {
      agentId: 'a1',
      resources: 'cpus(web,dynamic):1',
    })
    expect([inUse.status, inUse.body.code]).to.deep.equal([409, 'resources-in-use'])
    await web.scheduler.kill('index-200')
    await web.hears('index-200', 'KILLED')
    await web.until('an offer of the volume', () => web.offered.a1?.includes(volume))
    await web.scheduler.acceptWith(web.take('a1'), {
      operations: [{ destroy: volume }, { unreserve: 'cpus(web,dynamic):1;disk(web,dynamic):200' }],
      allOrNothing: true,
    })
    const undone = await cluster.tender('unreserve', 'a1', 'cpus(ops,dynamic):1')
    expect(undone.status).to.equal(0)
    expect(await cluster.total('a1')).to.equal('cpus:4;cpus(db):1;disk:1000;mem:1024;ports:[31000-31009]')
  })

  it('offers exactly what a framework wants, and the rest to others at once', async () => {
    cluster = await RunningCluster.start(
      { a1: `cpus:2;${rest}`, a2: `cpus:2;${rest}`, a3: `cpus:2;${rest}` },
      { standby: true },
    )
    const shape = 'cpus:1;mem:128;ports:1'
    const web = await cluster.framework('web', {
      roles: ['web'],
      demands: [{ role: 'web', shapes: [{ count: 3, resources: shape }] }],
    })
    await web.holds({ a1: 'cpus:2;mem:256;ports:[31000-31001]', a2: 'cpus:1;mem:128;ports:[31000-31000]' })
    const batch = await cluster.framework('batch', { roles: ['batch'] })
    await batch.holds({
      a1: 'mem:768;disk:100;ports:[31002-31009]',
      a2: 'cpus:1;mem:896;disk:100;ports:[31001-31009]',
      a3: `cpus:2;${rest}`,
    })
    expect(await cluster.reasons('web')).to.deep.equal({ a1: 'offered', a2: 'offered', a3: 'no-demand' })
    await batch.scheduler.suppress()
    await batch.scheduler.decline(batch.take())

    const wanted = async () =>
      (await cluster.frameworkView('web')).demands?.flatMap(({ shapes = [] }) =>
        shapes.map(({ count }) => count),
      )
    await web.launch('a1', 'cpus:1;mem:128;ports:[31000-31000]', 'web-1')
    expect(await wanted()).to.deep.equal([2])
    const { subscriptions } = web
    await cluster.killLeader()
    await web.until('another subscription', () => web.subscriptions > subscriptions)
    await web.until('two more shapes', () => sumOf(web.offered, 'cpus') === 2)
    expect(await wanted()).to.deep.equal([2])
    for (const [index, offer] of web.take().entries()) {
      const cpus = offer.resources.scalar('cpus')
      const ports = offer.resources.ranges('ports').flatMap(([from, to]) => (to > from ? [from, to] : [from]))
      expect(ports.length).to.equal(cpus)
      const tasks = ports.map(port => ({
        taskId: `more-${index}-${port}`,
        resources: `cpus:1;mem:128;ports:[${port}-${port}]`,
        shell: 'exec sleep 1000',
      }))
      await web.scheduler.accept(offer, tasks)
    }
    await web.until('three tasks', () => {
      const running = web.updates.filter(({ state }) => state === 'RUNNING').map(({ taskId }) => taskId)
      return new Set(running).size === 3
    })
    expect(web.offers).to.deep.equal([])
    expect(await cluster.reasons('web')).to.deep.equal({ a1: 'no-demand', a2: 'no-demand', a3: 'no-demand' })
    expect((await cluster.tender('explain', 'web')).stdout).to.include('declare what it wants in role web')

    await web.scheduler.demand('web', [{ count: 1, resources: 'cpus:64' }])
    expect((await cluster.reasons('web')).a3).to.equal('does-not-fit')
    await web.scheduler.demand('web', [])
    expect((await cluster.reasons('web')).a3).to.equal('no-demand')
    await web.scheduler.demand('web')
    await web.until('whole remainders', () => sumOf(web.offered, 'cpus') === 3)
  })

  it('offers only what meets constraints, minimum and capabilities, as they are told last', async () => {
    cluster = await RunningCluster.start({
      a1: [`cpus:2;${rest}`, '--attributes', 'rack:r1;slots:4', '--domain', 'north/north-1'],
      a2: [`cpus:2;cpus{revocable}:2;${rest}`, '--attributes', 'rack:r2', '--domain', 'north/north-2'],
      a3: [`cpus:2;gpus:1;${rest}`, '--attributes', 'rack:r1'],
    })
    const [plain, revocable, gpu] = [`cpus:2;${rest}`, `cpus{revocable}:2`, `gpus:1`]
    const web = await cluster.framework('web', {
      offerConstraints: { '*': [[{ attribute: 'rack', matches: 'r[13]' }]] },
    })
    await web.holds({ a1: plain })
    expect(web.offers[0]).to.deep.include({
      attributes: { rack: 'r1', slots: 4 },
      domain: { region: 'north', zone: 'north-1' },
      hostname: 'a1.test',
    })
    expect(await cluster.reasons('web')).to.deep.equal({ a1: 'offered', a2: 'constraint', a3: 'capability' })

    const { framework } = web.scheduler
    const all = { framework: { ...framework, capabilities: ['gpu', 'revocable'] as const } }
    await web.scheduler.update({ ...all, offerConstraints: {} })
    await web.holds({ a1: plain, a2: `${plain};${revocable}`, a3: `${plain};${gpu}` })
    await web.scheduler.decline(web.take(), { refuseMs: 0 })
    await web.holds({ a1: '', a2: '', a3: '' })

    const steps = [
      [[[{ hostname: true, equals: 'a2.test' }]], { a2: `${plain};${revocable}` }],
      [
        [[{ zone: true, notEquals: 'north-2' }], [{ attribute: 'slots', exists: true }]],
        { a1: plain, a3: `${plain};${gpu}` },
      ],
      [[[{ attribute: 'slots', equals: '4' }]], { a1: plain }],
    ] as const
    for (const [groups, expected] of steps) {
      await web.scheduler.update({ offerConstraints: { '*': groups } })
      await web.scheduler.decline(web.take(), { refuseMs: 0 })
      await web.holds(expected)
    }

    await web.scheduler.update({
      framework: { ...framework, minAllocatable: 'cpus:5' },
      offerConstraints: {},
    })
    await web.scheduler.decline(web.take(), { refuseMs: 0 })
    expect(await cluster.reasons('web')).to.deep.equal({
      a1: 'below-minimum',
      a2: 'below-minimum',
      a3: 'capability',
    })
    await web.scheduler.update({ framework: { ...framework, minAllocatable: 'cpus:2' } })
    await web.holds({ a1: plain, a2: plain })
  })

  it('empties agents, keeps orders of operators through the death of the leader, and takes them back', async () => {
    const agent = `cpus:2;${rest}`
    cluster = await RunningCluster.start({ a1: agent, a2: agent, a3: agent, a4: agent }, { standby: true })
    const web = await cluster.framework('web')
    await web.holds({ a1: '', a2: '', a3: '', a4: '' })
    await web.launch('a1', 'cpus:1;mem:64', 'one', 'two')

    const window = { startMs: Date.UTC(2030, 0, 31), durationMs: 60_000 }
    await cluster.ask('PUT /maintenance', { agentIds: ['a3'], ...window })
    const asked = await web.until('inverse offer', () =>
      web.inverseOffers.find(({ agentId }) => agentId === 'a3'),
    )
    expect([asked.reason, asked.unavailability]).to.deep.equal(['maintenance', window])
    await web.scheduler.acceptInverseOffers(asked)
    const { stdout } = await cluster.tender('maintenance')
    expect(stdout).to.match(/a3 +a3.test +2030-01-31T00:00:00Z +1m00s +web:accepted/)

    await cluster.ask('POST /agents/a1/drain', {})
    await web.until('inverse offer', () => web.inverseOffers.find(({ reason }) => reason === 'drain'))
    await cluster.tender('drain', 'a1', '--grace', '1s')
    const killed = await Promise.all([web.hears('one', 'KILLED'), web.hears('two', 'KILLED')])
    expect(killed.map(({ reason }) => reason)).to.deep.equal(['AGENT_DRAINING', 'AGENT_DRAINING'])
    await cluster.ask('POST /agents/a2/deactivate')
    await cluster.ask('PUT /whitelist', { hostnames: ['a1.test', 'a2.test', 'a3.test'] })
    await web.scheduler.decline(web.take('a4'), { refuseMs: 0 })
    await web.holds({ a3: agent })
    const reasons = { a1: 'agent-draining', a2: 'agent-deactivated', a3: 'offered', a4: 'not-whitelisted' }
    expect(await cluster.reasons('web')).to.deep.equal(reasons)

    const [before] = web.inverseOffers.slice(-1)
    await cluster.killLeader()
    await web.until('the same offer of another leader', () => web.subscriptions >= 2 && 'a3' in web.offered)
    expect(await cluster.reasons('web')).to.deep.equal(reasons)
    expect(web.offers[0]?.unavailability).to.deep.equal(window)
    const anew = await web.until('inverse offer anew', () => {
      const [last] = web.inverseOffers.slice(-1)
      return last !== before && last
    })
    expect([anew.agentId, anew.reason]).to.deep.equal(['a3', 'maintenance'])

    await cluster.ask('DELETE /whitelist')
    await Promise.all(['a1', 'a2'].map(id => cluster.ask(`POST /agents/${id}/reactivate`)))
    await cluster.ask('DELETE /maintenance', { agentIds: ['a3'] })
    await web.until('request taken back', () => web.inverseOffersRescinded.includes(anew.inverseOfferId))
    await web.holds({ a1: agent, a2: agent, a3: agent, a4: agent })
  })

  it('explains why there is no offer, agent by agent', async () => {
    const agent = `cpus:2;${rest}`
    cluster = await RunningCluster.start({
      held: [agent, '--attributes', 'rack:r1'],
      refused: [agent, '--attributes', 'rack:r1'],
      small: ['cpus:0.1;mem:16;disk:0;ports:[]', '--attributes', 'rack:r1'],
      elsewhere: [agent, '--attributes', 'rack:r2'],
    })
    const other = await cluster.framework('other')
    await other.holds({ held: '', refused: '', elsewhere: '', small: '' })
    const constraint = { attribute: 'rack', equals: 'r1' }
    const web = await cluster.framework('web', {
      minAllocatable: 'cpus:1',
      offerConstraints: { '*': [[constraint]] },
    })
    await other.scheduler.decline(other.take('refused'), { refuseMs: 60_000 })
    await web.holds({ refused: '' })
    await web.scheduler.decline(web.take(), { refuseMs: 60_000 })
    const { held, ...others } = await cluster.reasons('web')
    expect(others).to.deep.equal({ refused: 'filtered', small: 'below-minimum', elsewhere: 'constraint' })
    expect(held).to.be.oneOf(['offered-to-other', 'lower-share-first'])

    const { stdout } = await cluster.tender('explain', 'web')
    expect(stdout).to.match(/^Framework web, role \*: 4 agents\nAGENTS +REASON +MEANING +FOR EXAMPLE\n/)
    expect(
      stdout.match(/constraint|below-minimum|filtered|offered-to-other|lower-share-first/g),
    ).to.include.members(['constraint', 'below-minimum', 'filtered'])
    expect(stdout).to.match(/Advice: wait until framework other in role \* has answered its offer\n$/)
    const one = await cluster.tender('explain', 'web', '--role', '*', '--agent', 'small', '--json')
    expect(JSON.parse(one.stdout).roles).to.have.length(1)
    expect(JSON.parse(one.stdout).roles[0].agents[0]).to.deep.include({
      agentId: 'small',
      reason: 'below-minimum',
    })

    await web.scheduler.suppress()
    expect(new Set(Object.values(await cluster.reasons('web')))).to.deep.equal(new Set(['suppressed']))
    await web.scheduler.close()
    await eventually(
      5_000,
      () => cluster.reasons('web'),
      ({ small }) => small === 'framework-inactive',
    )
  })

  it('refuses what is wrong, as a whole, and goes on', async () => {
    cluster = await RunningCluster.start({ a1: `cpus:4;${rest}` })
    const web = await cluster.framework('web', { roles: ['web'] })
    await web.holds({ a1: `cpus:4;${rest}` })
    const books = async () =>
      await Promise.all(
        ['agents/a1', 'roles', 'quota', 'reservations', 'whitelist', 'maintenance'].map(async what => {
          const { heardAtMs: _, ...body } = (await cluster.ask(`GET /${what}`)).body
          return body
        }),
      )
    const before = await books()
    const agentId = 'a1'
    const wrong: [what: string, body: unknown, status: number, code: string][] = [
      ['PUT /roles/web', { weight: 0 }, 400, 'bad-request'],
      ['PUT /roles/a..b%20c', { weight: 1 }, 400, 'invalid-role'],
      ['DELETE /roles/nobody', undefined, 404, 'unknown-role'],
      ['PUT /quota/web', { guarantee: { cpus: 2 }, limit: { cpus: 1 } }, 400, 'invalid-quota'],
      ['PUT /quota/web', { guarantee: { 'cpus(web)': 2 } }, 400, 'invalid-quota'],
      ['PUT /quota', { quotas: [{ role: 'a', limit: { cpus: 1 } }, { role: 'a' }] }, 400, 'invalid-quota'],
      ['PUT /quota/web', { limit: { cpus: 1 } }, 409, 'quota-exceeded'],
      ['POST /reservations', { agentId, resources: 'cpus(web):1' }, 400, 'invalid-resources'],
      ['POST /reservations', { agentId, resources: 'cpus(web,dynamic):5' }, 409, 'insufficient-resources'],
      ['POST /reservations', { agentId: 'a9', resources: 'cpus(web,dynamic):1' }, 404, 'unknown-agent'],
      ['DELETE /reservations', { agentId, resources: 'cpus(web,dynamic):1' }, 404, 'unknown-reservation'],
      ['POST /volumes', { agentId, resources: 'disk(web,dynamic)[v:/v]:1' }, 409, 'insufficient-resources'],
      ['DELETE /volumes', { agentId, resources: 'disk(web,dynamic)[v:/v]:1' }, 404, 'unknown-reservation'],
      ['PUT /maintenance', { agentIds: ['a1', 'a9'], startMs: 1 }, 404, 'unknown-agent'],
      ['POST /agents/a9/drain', {}, 404, 'unknown-agent'],
      ['POST /agents/a1/drain', { graceMs: -1 }, 400, 'bad-request'],
      ['PUT /whitelist', { hostnames: [1] }, 400, 'bad-request'],
    ]
    for (const [what, body, status, code] of wrong) {
      const answer = await cluster.ask(what, body)
      expect([answer.status, answer.body.code], `${what} ${JSON.stringify(body)}`).to.deep.equal([
        status,
        code,
      ])
    }

    const { scheduler } = web
    const { framework } = scheduler
    const [offer] = web.offers
    if (!offer) throw new Error('there is no offer')
    const all = { allOrNothing: true }
    const calls: [code: string, call: () => Promise<unknown>][] = [
      ['invalid-demand', () => scheduler.demand('other', [])],
      ['invalid-demand', () => scheduler.demand('web', [{ count: 1, resources: '' }])],
      ['malformed', () => scheduler.demand('web', [{ count: -1, resources: 'cpus:1' }])],
      [
        'invalid-constraints',
        () => scheduler.update({ offerConstraints: { web: [[{ attribute: 'a', matches: '(' }]] } }),
      ],
      ['invalid-constraints', () => scheduler.update({ offerConstraints: { other: [] } })],
      ['invalid-framework', () => scheduler.update({ framework: { ...framework, minAllocatable: 'cpus' } })],
      ['invalid-framework', () => scheduler.update({ framework: { ...framework, roles: ['web', 'a b'] } })],
      ['unknown-role', () => scheduler.suppress(['other'])],
      ['invalid-offer', () => scheduler.accept({ ...offer, offerId: '1-none' }, [])],
      ['invalid-offer', () => scheduler.acceptInverseOffers({ inverseOfferId: '1-i9' } as never)],
      [
        'invalid-operation',
        () => scheduler.acceptWith(offer, { operations: [{ reserve: 'cpus(other,dynamic):1' }], ...all }),
      ],
      [
        'insufficient-resources',
        () => scheduler.acceptWith(offer, { operations: [{ reserve: 'cpus(web,dynamic):5' }], ...all }),
      ],
    ]
    for (const [index, [code, call]] of calls.entries())
      expect(await codeOf(call()), `call ${index}`).to.equal(code)
    const otherInstance = await codeOf(cluster.framework('bad', { roles: ['../x'] }))
    expect(otherInstance).to.equal('invalid-framework')

    expect(await books()).to.deep.equal(before)
    await web.launch('a1', 'cpus:1;mem:64', 'last')
    expect((await cluster.task('last')).state).to.equal('RUNNING')
  })
})

function sumOf(offered: Readonly<Record<string, string>>, name: string): number {
  const amounts = Object.values(offered).map(
    text => new RegExp(`(?:^|;)${name}:([\\d.]+)`).exec(text)?.[1] ?? 0,
  )
  return amounts.reduce<number>((sum, amount) => sum + Number(amount), 0)
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
}
