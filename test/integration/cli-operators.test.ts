import { expect } from 'chai'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { addOperatorCommands } from '../../cli/commands/operators.js'
import type { OperatorCall } from '../../master/core/operator-calls.js'
import { type FakeEndpoint, startFakeEndpoint } from '../support/fake-master.js'
import { agentOf, explanationOf, inverseOfferOf, leaderOf, roleOf, stateOf } from '../support/master-views.js'

describe("the operators' commands", () => {
  let endpoint: FakeEndpoint
  let printed: string

  beforeEach(async () => {
    endpoint = await startFakeEndpoint()
    endpoint.master.reply = {
      ok: true,
      result: { changes: [{ subject: 'it', field: 'was', from: '1', to: '2' }] },
    }
  })
  afterEach(async () => {
    await endpoint.close()
  })

  /** Runs `tender …` against the fake master, here. */
  async function tender(...words: string[]): Promise<string> {
    const program = new Command('tender').exitOverride()
    let errors = ''
    program.configureOutput({
      writeErr: text => {
        errors += text
      },
    })
    addOperatorCommands(program)
    const write = process.stdout.write
    printed = ''
    process.stdout.write = (text: string | Uint8Array) => {
      printed += String(text)
      return true
    }
    try {
      await program.parseAsync(['node', 'tender', ...words, '--master', endpoint.url])
    } catch (error) {
      throw new Error(errors || (error as Error).message, { cause: error })
    } finally {
      process.stdout.write = write
    }
    return printed.trimEnd()
  }

  const refused = (...words: string[]) =>
    tender(...words).then(
      () => 'it was done',
      (error: Error) => error.message.trim(),
    )

  const agentId = 'a1'
  const writes: readonly (readonly [words: string, call: OperatorCall])[] = [
    ['roles weight eng/web 2.5', { kind: 'set-weight', role: 'eng/web', weight: 2.5 }],
    ['roles reset *', { kind: 'reset-role', role: '*' }],
    [
      'quota set web --guarantee cpus:2;mem:64 --limit cpus:4 --force',
      {
        kind: 'set-quotas',
        quotas: [{ role: 'web', guarantee: { cpus: 2, mem: 64 }, limit: { cpus: 4 } }],
        force: true,
      },
    ],
    ['quota set web --limit cpus:0', { kind: 'set-quotas', quotas: [{ role: 'web', limit: { cpus: 0 } }] }],
    ['quota remove eng/web', { kind: 'set-quotas', quotas: [{ role: 'eng/web' }] }],
    ['reserve a1 cpus(w,dynamic):2', { kind: 'reserve', agentId, resources: { 'cpus(w,dynamic)': 2 } }],
    ['unreserve a1 cpus(w,dynamic):2', { kind: 'unreserve', agentId, resources: { 'cpus(w,dynamic)': 2 } }],
    [
      'volumes create a1 disk(w)[d:/d]:2',
      { kind: 'create-volumes', agentId, resources: { 'disk(w)[d:/d]': 2 } },
    ],
    [
      'volumes destroy a1 disk(w)[d:/d]:2',
      { kind: 'destroy-volumes', agentId, resources: { 'disk(w)[d:/d]': 2 } },
    ],
    [
      'maintenance set a1 a2 --start 2030-01-31T22:00:00Z --duration 1h',
      {
        kind: 'set-maintenance',
        agentIds: ['a1', 'a2'],
        unavailability: { startMs: Date.UTC(2030, 0, 31, 22), durationMs: 3_600_000 },
      },
    ],
    ['maintenance clear a1 a2', { kind: 'set-maintenance', agentIds: ['a1', 'a2'] }],
    ['drain a1 --grace 5m', { kind: 'drain', agentId, graceMs: 300_000 }],
    ['drain a1', { kind: 'drain', agentId }],
    ['deactivate a1', { kind: 'deactivate', agentId }],
    ['reactivate a1', { kind: 'reactivate', agentId }],
    ['agents remove a1 --yes', { kind: 'remove-agent', agentId, mayReturn: false }],
    ['agents remove a1 --yes --may-return', { kind: 'remove-agent', agentId, mayReturn: true }],
    ['whitelist set h1 h2', { kind: 'set-whitelist', hostnames: ['h1', 'h2'] }],
    ['whitelist clear', { kind: 'set-whitelist' }],
  ]
  for (const [words, call] of writes) {
    it(`tender ${words}`, async () => {
      expect(await tender(...words.split(' '))).to.equal('it: was 1 -> 2')
      expect(endpoint.master.asked).to.deep.equal([call])
    })
  }

  it('print what has changed as JSON', async () => {
    const { result } = endpoint.master.reply
    expect(JSON.parse(await tender('roles', 'weight', 'web', '2', '--json'))).to.deep.equal(result)
  })

  it('reach the leader through a standby', async () => {
    const leader = await startFakeEndpoint()
    endpoint.master.leads = false
    endpoint.master.knownLeader = leaderOf({ isLeader: false, httpUrl: leader.url })
    try {
      await tender('roles', 'weight', 'eng/web', '2')
      expect(endpoint.master.asked).to.deep.equal([])
      expect(leader.master.asked).to.deep.equal([{ kind: 'set-weight', role: 'eng/web', weight: 2 }])
    } finally {
      await leader.close()
    }
  })

  it('take a start that is so long from now', async () => {
    const earliest = Date.now() + 7_200_000
    await tender('maintenance', 'set', 'a1', '--start', '2h')
    const [call] = endpoint.master.asked
    const startMs = call?.kind === 'set-maintenance' ? call.unavailability?.startMs : undefined
    expect(startMs).to.be.within(earliest, earliest + 10_000)
  })

  it('say what the master says when it refuses', async () => {
    endpoint.master.reply = { ok: false, code: 'quota-unsatisfiable', message: 'the cluster has cpus:4' }
    expect(await refused('quota', 'set', 'web', '--guarantee', 'cpus:5')).to.equal(
      'the master answers 409: the cluster has cpus:4',
    )
  })

  it('ask nothing of the master that is wrong by itself', async () => {
    expect([
      await refused('quota', 'set', 'web'),
      await refused('agents', 'remove', 'a1'),
      await refused('maintenance', 'set', 'a1'),
      await refused('roles', 'weight', 'web', '-1'),
    ]).to.deep.equal([
      "error: give --guarantee, --limit or both; 'tender quota remove web' sets neither",
      'error: agent a1 would never be let in again, and its tasks would count as gone; ' +
        'if its host is gone for good, repeat this with --yes',
      "error: required option '--start <time>' not specified",
      "error: command-argument value '-1' is invalid for argument 'weight'. " +
        "a weight is a number above 0, at most 1000000, got '-1'.",
    ])
    expect(endpoint.master.asked).to.deep.equal([])
  })

  describe('that list', () => {
    beforeEach(() => {
      endpoint.master.stateView = stateOf({
        agents: [
          agentOf('a1', {
            condition: 'draining',
            unavailability: { startMs: Date.UTC(2030, 0, 31), durationMs: 3_600_000 },
          }),
        ],
        roles: [roleOf('web', { quota: { guarantee: { cpus: 2 }, consumed: { cpus: 0.5 } } })],
        inverseOffers: [inverseOfferOf('7-i1', { agentId: 'a1' })],
        whitelist: ['h1', 'h2'],
      })
    })

    const rows = async (...words: string[]) =>
      (await tender(...words)).split('\n').map(line => line.trim().split(/ {2,}/))

    it('are what is done when nothing else is asked', async () => {
      expect((await rows('agents'))[1]?.slice(0, 3)).to.deep.equal([
        'a1',
        'a1.example',
        'registered,draining',
      ])
      expect(await rows('agents')).to.deep.equal(await rows('agents', 'list'))
      expect((await rows('roles'))[1]?.[0]).to.equal('web')
      expect((await rows('quota'))[1]).to.deep.equal(['web', 'cpus:2', '-', 'cpus:0.5'])
      expect((await rows('maintenance'))[1]).to.deep.equal([
        'a1',
        'a1.example',
        '2030-01-31T00:00:00Z',
        '1h00m',
        'service:asked',
      ])
      expect(await tender('whitelist')).to.equal('h1\nh2')
    })

    it('print JSON too, and say when there is nothing', async () => {
      expect(JSON.parse(await tender('whitelist', '--json'))).to.deep.equal({ hostnames: ['h1', 'h2'] })
      expect(JSON.parse(await tender('quota', '--json'))[0].role).to.equal('web')
      endpoint.master.stateView = stateOf()
      expect(await tender('whitelist')).to.equal('There is no whitelist: all agents are offered.')
      expect(await tender('quota')).to.match(/^No role has a quota/)
    })
  })

  it('explain', async () => {
    endpoint.master.explanations.set('service', explanationOf('service', ['service', 'eng/web']))
    const text = await tender('explain', 'service', '--role', 'eng/web', '--agent', 'agent-1')
    expect(text).to.match(/^Framework service, role eng\/web: 2 agents\n.*Advice: [^\n]+$/s)
    const json = await tender('explain', 'service', '--json')
    expect(JSON.parse(json)).to.deep.equal(explanationOf('service', ['service', 'eng/web']))
    expect(await refused('explain', 'nobody')).to.equal(
      "the master answers 404: there is no framework 'nobody'; GET /api/v1/frameworks lists all",
    )
  })
})
