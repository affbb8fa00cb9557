import { type AgentInfo, agentToLeader, decoder, encode, LinkEnd, Subjects } from '@tender/sdk/protocol'
import { connectNats, NatsTransport, silentLog, type Transport } from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { until } from '../../cli/dev/until.js'
import { useNats } from '../support/nats.js'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const agentPeer = { kind: 'agent', id: 'a1' } as const
const plain = 'cpus:4;mem:512;disk:100;ports:[31000-31009]'

describe('the resources of an agent', function () {
  this.timeout(20_000)
  const nats = useNats()
  let workDir: string
  let transport: Transport
  let agent: ChildProcess | undefined
  let output = ''
  /** What the agent has told at its last registration, and whether it has answered the last order. */
  let registered: AgentInfo | undefined
  let hasAnswered = false
  let link = new LinkEnd('m0')

  beforeEach(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'tender-agent-'))
    transport = new NatsTransport(await connectNats(nats().url, 'test'), silentLog)
    const subjects = new Subjects('default')
    const decode = decoder(agentToLeader)
    transport.subscribe(subjects.toLeader(agentPeer), bytes => {
      const decoded = decode(bytes)
      if (!decoded.ok) throw decoded.error
      const { kind, body, session, call = '' } = decoded.message
      if (kind === 'reply') hasAnswered = body.ok
      if (kind !== 'register') return
      registered = body.agent
      link = new LinkEnd(`m-${session}`)
      say('reply', { ok: true, result: { heartbeatMs: 2_500 } }, call)
    })
  })

  afterEach(async () => {
    await kill()
    await transport.close()
    await rm(workDir, { recursive: true, force: true })
  })

  function say(kind: string, body: object, call: string): void {
    transport.publish(new Subjects('default').toPeer(agentPeer), encode(link.wrap(kind, body, 1, { call })))
  }

  /** As an operator does, with these flags besides. */
  function launch(flags: string[]): ChildProcess {
    const args = ['agent', '--nats', nats().url, '--work-dir', workDir, '--agent-id', 'a1', ...flags]
    output = ''
    agent = spawn(process.execPath, [main, ...args, '--containerizers', 'process'])
    for (const stream of [agent.stdout, agent.stderr]) stream?.on('data', data => (output += String(data)))
    return agent
  }

  async function start(resources: string, ...flags: string[]): Promise<AgentInfo> {
    registered = undefined
    launch(['--resources', resources, ...flags])
    return await until('the agent has registered', 10_000, async () => registered)
  }

  async function kill(): Promise<void> {
    if (agent?.exitCode === null && agent.signalCode === null) {
      agent.kill('SIGKILL')
      await once(agent, 'exit')
    }
    agent = undefined
  }

  /** Orders new resources, and kills the agent at its answer. */
  async function setResources(text: string, resourcesRevision: number): Promise<void> {
    hasAnswered = false
    say('set-resources', { resources: Resources.parse(text).toWire(), resourcesRevision }, 'c1')
    await until('the agent has answered', 10_000, async () => hasAnswered || undefined)
    await kill()
  }

  const textOf = ({ resources }: AgentInfo) => String(Resources.fromWire(resources))

  it('are registered with what was reserved of them, after a crash and with other flags', async () => {
    const first = await start(`${plain};cpus(web):1`, '--domain', 'north/north-1')
    expect([textOf(first), first.resourcesRevision]).to.deep.equal([
      String(Resources.parse(`${plain};cpus(web):1`)),
      undefined,
    ])
    expect(first.domain).to.deep.equal({ region: 'north', zone: 'north-1' })
    const reserved = 'cpus:1;cpus(batch,dynamic):3;cpus(web):1;disk:100;mem:512;ports:[31000-31009]'
    await setResources(reserved, 1)

    const again = await start(`${plain};cpus(web):1`, '--domain', 'north/north-1')
    expect([textOf(again), again.resourcesRevision]).to.deep.equal([reserved, 1])
    await kill()

    const other = 'cpus:6;mem:512;disk:50;ports:[31000-31009]'
    expect(await once(launch(['--resources', other]), 'close')).to.deep.equal([1, null])
    expect(output).to.include(
      'cpus(web):1 is now gone; disk:100 is now disk:50; domain north/north-1 is now gone.',
    )
    const larger = await start(other, '--reconfiguration', 'any')
    expect([textOf(larger), larger.resourcesRevision]).to.deep.equal([
      'cpus:3;cpus(batch,dynamic):3;disk:50;mem:512;ports:[31000-31009]',
      1,
    ])
    await kill()

    const tooLittle = ['--resources', 'cpus:2', '--reconfiguration', 'any']
    expect(await once(launch(tooLittle), 'close')).to.deep.equal([1, null])
    expect(output).to.include('missing is cpus:1 of the cpus:3 that they need')
  })

  it('may grow at a restart, and are then as much as they must be from then on', async () => {
    await start(plain)
    await kill()
    const larger = `${plain.replace('cpus:4', 'cpus:5')};gpus:1`
    expect(textOf(await start(larger, '--attributes', 'rack:r1'))).to.equal(String(Resources.parse(larger)))
    await kill()
    expect(await once(launch(['--resources', plain, '--attributes', 'rack:r2']), 'close')).to.deep.equal([
      1,
      null,
    ])
    expect(output)
      .to.include('cpus:5 is now cpus:4; gpus:1 is now gone; attribute rack:r1 is now r2.')
      .and.include(
        `start it with at least --resources '${String(Resources.parse(larger))}' --attributes 'rack:r1'`,
      )
  })

  const wrong: [flags: string[], status: number, message: string][] = [
    [['--resources', 'cpus(web,dynamic):1'], 1, "'cpus(web,dynamic)' is a dynamic reservation"],
    [['--domain', 'north'], 2, 'it is a region and a zone of up to 200 characters each'],
    [['--domain', 'north//'], 2, "such as north/north-1, got 'north//'"],
  ]
  for (const [flags, status, message] of wrong) {
    it(`refuses ${flags.join(' ')}`, async () => {
      expect(await once(launch(flags), 'close')).to.deep.equal([status, null])
      expect(output).to.include(message)
    })
  }
})
