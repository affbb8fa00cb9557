import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { promisify } from 'node:util'
import { connect as connectNats, type NatsConnection } from 'nats'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { connect, isTerminal, Resources, type Scheduler, type Task, type TaskStatus } from '@tender/sdk'
import { decoder, encode, leaderToAgent, leaderToFramework, LinkEnd } from '@tender/sdk/protocol'
import type { AgentView } from '../../master/core/view.js'
import { eventually, RunningDevCluster } from '../support/dev-cluster.js'
import { busyboxImage, requireEngine } from '../support/engine.js'

describe('bad input to a running cluster', function () {
  this.timeout(60_000)
  let cluster: RunningDevCluster
  let scheduler: Scheduler
  let nats: NatsConnection
  const updates = new Map<string, TaskStatus[]>()
  /** The tasks that are to be launched on the next offer, and what became of each. */
  const wanted: { task: Task; resolve: (result: unknown) => void }[] = []

  before(async function () {
    await requireEngine(this)
    const flags = [
      '--containerizer',
      'docker',
      '--master-port',
      '0',
      '--service-port',
      '0',
      '--agents',
      '1',
      '--no-example',
    ]
    cluster = await RunningDevCluster.start(flags)
    nats = await connectNats({ servers: cluster.file.nats })
    scheduler = await connect({
      nats: cluster.file.nats,
      cluster: cluster.file.cluster,
      framework: { frameworkId: 'clumsy', name: 'clumsy', roles: ['*'] },
      async offers(offers, scheduler) {
        for (const offer of offers) {
          const next = wanted.shift()
          if (!next) await scheduler.decline(offer, { refuseMs: 3_600_000 })
          else next.resolve(await scheduler.accept(offer, [next.task], { refuseMs: 0 }))
        }
      },
      update(status) {
        updates.set(status.taskId, [...(updates.get(status.taskId) ?? []), status])
      },
    })
  })

  after(async () => {
    await scheduler?.teardown()
    await nats?.close()
    await cluster?.dispose()
  })

  /** What became of a launch: the refusal, or the task's last update. */
  async function launch(task: Task): Promise<unknown> {
    const answer = await new Promise(resolve => {
      wanted.push({ task, resolve })
      void scheduler.revive()
    })
    const [result] = answer as { ok: boolean }[]
    if (!result?.ok) return result
    const all = await eventually(
      20_000,
      async () => updates.get(task.taskId) ?? [],
      list => list.some(({ state }) => isTerminal(state)),
    )
    const { state, reason, message } = all.at(-1) ?? {}
    return { state, reason, message }
  }

  async function answersTo(peer: 'agent' | 'framework', id: string, bytes: Uint8Array): Promise<unknown> {
    const { cluster: name } = cluster.file
    const subscription = nats.subscribe(`tender.${name}.${peer}.${id}`, { max: 1 })
    nats.publish(`tender.${name}.master.${peer}.${id}`, bytes)
    const decode = decoder(peer === 'agent' ? leaderToAgent : leaderToFramework)
    for await (const message of subscription) {
      const decoded = decode(message.data)
      return decoded.ok ? decoded.message.body : decoded.error.message
    }
    return undefined
  }

  it('refuses a message that is not msgpack', async () => {
    expect(await answersTo('framework', 'stranger', Buffer.from('not msgpack'))).to.deep.include({
      ok: false,
      code: 'malformed',
    })
    expect(await answersTo('agent', 'stranger', Buffer.from([0xc1]))).to.deep.include({
      ok: false,
      code: 'malformed',
    })
  })

  it('refuses msgpack of the wrong shape, naming field, rule and value', async () => {
    const agent = { agentId: 'x', resources: {}, attributes: {}, containerizers: [], version: '1' }
    const register = { agent, tasks: 5, received: { session: '', sequence: 0 } }
    const message = new LinkEnd('s').wrap('register', register, 0, { call: 'c' })
    const answer = (await answersTo('agent', 'x', encode(message))) as { code: string; message: string }
    expect(answer.code).to.equal('malformed')
    expect(answer.message)
      .to.match(/\/tasks: must be array, got 5/)
      .and.match(/\/agent\/hostname: is required/)
  })

  it('is not deposed by a message that claims a newer epoch', async () => {
    const { epoch } = await cluster.get<{ epoch: number }>(`${cluster.file.master}/api/v1/leader`)
    const message = new LinkEnd('s').wrap('heartbeat', { received: { session: '', sequence: 0 } }, 1e9, {
      call: 'c',
    })
    expect(await answersTo('framework', 'stranger', encode(message))).to.deep.equal({
      ok: false,
      code: 'stale-epoch',
      message: `the epoch of this leader is ${epoch}, the message knows of 1000000000`,
    })
    expect((await cluster.get<{ epoch: number }>(`${cluster.file.master}/api/v1/leader`)).epoch).to.equal(
      epoch,
    )
  })

  it('reports an image that does not exist', async () => {
    const task = {
      taskId: 'no-image',
      resources: 'cpus:0.1;mem:32',
      container: { image: 'nowhere.invalid/none:1' },
    }
    const outcome = (await launch(task)) as TaskStatus
    expect(outcome.state).to.equal('FAILED')
    expect(outcome.reason).to.be.oneOf(['IMAGE_NOT_FOUND', 'IMAGE_PULL_FAILED'])
    expect(outcome.message).to.include('nowhere.invalid/none:1')
  })

  it('reports a command that does not exist, in a container and as a process', async () => {
    const args = ['no-such-command', '--now']
    const inContainer = {
      taskId: 'no-command-1',
      resources: 'cpus:0.1;mem:32',
      args,
      container: { image: busyboxImage },
    }
    const asProcess = { taskId: 'no-command-2', resources: 'cpus:0.1;mem:32', args }
    for (const task of [inContainer, asProcess]) {
      const outcome = (await launch(task)) as TaskStatus
      expect(outcome).to.deep.include({ state: 'FAILED', reason: 'COMMAND_NOT_FOUND' })
      expect(outcome.message).to.include('no-such-command')
    }
  })

  it('reports a port that is taken', async () => {
    const server = await listenOn(31_007)
    const outcome = (await launch({
      taskId: 'taken',
      resources: 'cpus:0.1;mem:32;ports:[31007-31007]',
      args: ['sleep', '100'],
      container: { image: busyboxImage, portMappings: [{ containerPort: 80, hostPort: 31_007 }] },
    })) as TaskStatus
    server.close()
    expect(outcome).to.deep.include({ state: 'FAILED', reason: 'PORT_TAKEN' })
    expect(outcome.message).to.include('31007')
  })

  it('refuses more than was offered', async () => {
    const outcome = await launch({ taskId: 'huge', resources: 'cpus:1000;mem:32', shell: 'true' })
    expect(outcome).to.deep.include({ ok: false, code: 'insufficient-resources' })
  })

  it('reports a task that uses more memory than it may', async () => {
    const outcome = (await launch({
      taskId: 'hungry',
      resources: 'cpus:0.5;mem:16',
      shell: 'x=a; while true; do x=$x$x; done',
      container: { image: busyboxImage },
    })) as TaskStatus
    expect(outcome).to.deep.include({ state: 'FAILED', reason: 'CONTAINER_LIMITATION_MEMORY' })
  })

  it('has leaked nothing: no container, no offer, no resource', async () => {
    const { cluster: name, master } = cluster.file
    const filter = `label=tender.cluster=${name}`
    const containers = async () =>
      (await promisify(execFile)('docker', ['ps', '-aq', '--filter', filter])).stdout
    // They are removed when their end has been acknowledged.
    expect(await eventually(5_000, containers, ids => ids === '')).to.equal('')
    const [agent] = await eventually(
      5_000,
      () => cluster.get<AgentView[]>(`${master}/api/v1/agents`),
      ([one]) => Object.keys(one?.allocated ?? {}).length === 0,
    )
    if (!agent) throw new Error('the agent is gone')
    const [total, free, offered] = [agent.resources, agent.free, agent.offered].map(wire =>
      Resources.fromWire(wire),
    )
    expect(String(free?.plus(offered ?? Resources.none))).to.equal(String(total))
    expect(agent.state).to.equal('registered')
  })
})

async function listenOn(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '0.0.0.0', resolve))
  return server
}
