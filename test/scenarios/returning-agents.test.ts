import { type AgentTask } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { launchOf, MasterRig, operationOf, taskOf } from '../support/master-rig.js'

const orphan = { frameworkId: 'web', taskId: 't1' }

describe('agents that come back', () => {
  let rig: MasterRig
  const states = () => rig.sent('framework web', 'update').map(({ status }) => [status.taskId, status.state])
  const registered = () => rig.sent('agent a1', 'reply').at(-1)
  const running = (more: Partial<AgentTask> = {}): AgentTask => ({
    ...orphan,
    role: 'prod',
    resources: { cpus: 1 },
    state: 'RUNNING',
    launchedAtMs: 5,
    ...more,
  })

  beforeEach(() => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;mem:1024')
    rig.framework('web', { roles: ['prod'] })
  })

  const launch = () => rig.accept('web', 'a1', { operations: [launchOf(taskOf('t1', 'cpus:1'))] })

  it('with a list of before they have heard of this leader: they are asked for another one', () => {
    const place = { agentId: 'a1', hostname: 'a1', attributes: {}, containerizers: [], version: '' }
    const info = { ...place, resources: { cpus: 4 } }
    const earlier = rig.inputOf({ kind: 'agent', id: 'a1' }, 'register', { agent: info, tasks: [] })
    rig.elect()
    rig.framework('web', { roles: ['prod'] })
    rig.step(earlier)
    expect([rig.sent('agent a1', 'resynchronise'), rig.offered('web')]).to.deep.equal([
      [{ reason: 'the list of its tasks is of epoch 1, and this leader is of epoch 2' }],
      [],
    ])
  })

  it('without a task that never reached them: it is dropped', () => {
    launch()
    rig.loseTasks('a1')
    rig.agent('a1')
    expect(states()).to.deep.equal([['t1', 'DROPPED']])
  })

  it('without a task that they had: it is gone', () => {
    launch()
    rig.update('a1', { ...orphan, state: 'RUNNING' })
    rig.loseTasks('a1')
    rig.agent('a1')
    expect(states()).to.deep.equal([
      ['t1', 'RUNNING'],
      ['t1', 'GONE'],
    ])
  })

  describe('asking again because the answer was late', () => {
    const a1 = { kind: 'agent', id: 'a1' } as const
    const listOfBefore = {
      agent: {
        agentId: 'a1',
        hostname: 'a1',
        resources: { cpus: 4, mem: 1_024 },
        attributes: {},
        containerizers: ['process'],
        version: 'test',
      },
      tasks: [],
      received: { session: '', sequence: 0 },
    }

    beforeEach(() => {
      launch()
      rig.update('a1', { ...orphan, state: 'RUNNING' })
    })

    it('are answered again; their list counts once', () => {
      const answers = rig.sent('agent a1', 'reply').length
      rig.send(a1, 'register', listOfBefore, 'register')
      expect(states()).to.deep.equal([['t1', 'RUNNING']])
      expect(rig.sent('agent a1', 'reply').slice(answers)).to.deep.equal([
        { ok: true, result: { heartbeatMs: 2_500 } },
      ])
    })

    it('are taken anew when a message between was lost', () => {
      rig.inputOf(a1, 'heartbeat', { received: { session: '', sequence: 0 } })
      rig.send(a1, 'register', listOfBefore, 'register')
      expect(states().at(-1)).to.deep.equal(['t1', 'GONE'])
    })
  })

  it('with an orphan: it is removed when its framework has been told', () => {
    launch()
    rig.update('a1', { ...orphan, state: 'RUNNING' })
    rig.loseTasks('a1')
    rig.agent('a1', undefined, { orphans: [orphan] })
    expect(states().at(-1)).to.deep.equal(['t1', 'GONE'])
    expect(registered().result).to.deep.equal({ heartbeatMs: 2_500, removeOrphans: [orphan] })
  })

  it('with a task that counts as gone: it holds what it holds until it has ended', () => {
    launch()
    rig.update('a1', { ...orphan, state: 'RUNNING' })
    rig.loseTasks('a1')
    rig.agent('a1')
    rig.agent('a1', undefined, { tasks: [running()] })
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([orphan])
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:3;mem:1024'])
    rig.update('a1', { ...orphan, state: 'KILLED', sequence: 2 })
    expect(rig.offered('web')).to.have.members(['a1 prod: cpus:3;mem:1024', 'a1 prod: cpus:1'])
  })

  it('are killed the task that runs elsewhere by now', () => {
    launch()
    rig.agent('a2', 'cpus:4', { tasks: [running()] })
    expect(rig.sent('agent a2', 'kill')).to.deep.equal([orphan])
    rig.update('a2', { ...orphan, state: 'KILLED', sequence: 2 })
    expect(rig.sent('agent a2', 'acknowledge')).to.deep.equal([{ ...orphan, sequence: 2 }])
    expect([states(), rig.state.tasks.map(task => [task.agentId, task.state])]).to.deep.equal([
      [],
      [['a1', 'STAGING']],
    ])
  })

  it('with a task of an agent that is away: they know more of it', () => {
    rig = new MasterRig({ agentTimeoutMs: 10_000 })
    for (const id of ['a1', 'a2']) rig.agent(id, 'cpus:4')
    rig.framework('web', { roles: ['prod'] })
    launch()
    for (let passed = 0; passed < 12_000; passed += 1_000) {
      rig.advance(1_000)
      rig.heartbeat({ kind: 'agent', id: 'a2' })
    }
    rig.agent('a2', undefined, { tasks: [running()] })
    expect(rig.state.tasks.map(task => [task.agentId, task.state])).to.deep.equal([['a2', 'RUNNING']])
    rig.agent('a1')
    expect([rig.sent('agent a1', 'kill'), rig.sent('agent a2', 'kill')]).to.deep.equal([[orphan], []])
  })

  it('with the end of a task that a new leader did not know: whoever asks hears of the same end', () => {
    rig.elect()
    rig.framework('web', { roles: ['prod'] })
    const status = {
      ...orphan,
      state: 'FINISHED',
      sequence: 2,
      timestampMs: 7,
      source: 'agent',
      exitCode: 0,
    } as const
    rig.agent('a1', undefined, { tasks: [running({ state: 'FINISHED', status })] })
    rig.call('web', 'reconcile', { tasks: [{ taskId: 't1', agentId: 'a1' }] })
    expect(rig.sent('framework web', 'updates')[0]?.statuses).to.have.length(1)
    expect(rig.sent('framework web', 'updates')[0]?.statuses[0]).to.include({
      taskId: 't1',
      state: 'FINISHED',
    })
    expect(rig.offered('web')).to.deep.equal(['a1 prod: cpus:4;mem:1024'])
  })

  it('with a task that is to be killed: who asks is answered when they have come', () => {
    launch()
    rig.elect()
    rig.framework('web', { roles: ['prod'] })
    const kill = (callId: string) => rig.call('web', 'kill', { taskId: 't1' }, callId)
    const before = kill('k1')
    rig.agent('a1')
    expect([before, kill('k1'), rig.sent('agent a1', 'kill')]).to.deep.equal([
      undefined,
      { ok: true },
      [orphan],
    ])
    expect(rig.call('web', 'kill', { taskId: 'unheard-of' })?.code).to.equal('unknown-task')
  })

  it('with tasks that they say hold the same ports: each port counts once, and comes back once', () => {
    rig.agent('a2', 'cpus:4;ports:[1-9]', {
      tasks: [
        running({ taskId: 'x', resources: { cpus: 1, ports: [[1, 3]] } }),
        running({ taskId: 'y', resources: { cpus: 1, ports: [[2, 4]] } }),
      ],
    })
    rig.agent('a2', undefined, {
      tasks: [
        running({ taskId: 'x', resources: { cpus: 1, ports: [[1, 3]] } }),
        running({ taskId: 'y', resources: { cpus: 1, ports: [[2, 4]] } }),
        running({ taskId: 'z', resources: { cpus: 1, ports: [[4, 5]] } }),
      ],
    })
    const allocated = () => rig.state.agents.find(({ agentId }) => agentId === 'a2')?.allocated
    const seen = [allocated()]
    for (const taskId of ['x', 'y', 'z']) {
      rig.update('a2', { frameworkId: 'web', taskId, state: 'FINISHED', exitCode: 0 })
      seen.push(allocated())
    }
    expect(seen).to.deep.equal([
      { cpus: 3, ports: [[1, 5]] },
      { cpus: 2, ports: [[4, 5]] },
      { cpus: 1, ports: [[5, 5]] },
      {},
    ])
  })

  it('with a task that holds a port which is offered: the offer is taken back', () => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;ports:[1-9]')
    const shapes = [{ count: 1, resources: { cpus: 1, ports: 2 } as any }]
    rig.framework('web', { roles: ['prod'], demands: [{ role: 'prod', shapes }] })
    const before = rig.offered('web')
    rig.agent('a1', undefined, { tasks: [running({ resources: { cpus: 1, ports: [[1, 1]] } })] })
    expect([before, rig.offered('web')]).to.deep.equal([
      ['a1 prod: cpus:1;ports:[1-2]'],
      ['a1 prod: cpus:1;ports:[2-3]'],
    ])
    expect(rig.state.agents[0]?.free).to.deep.equal({ cpus: 2, ports: [[4, 9]] })
  })

  it('with a task that holds a port of an accept which is being stored: the books bear it', () => {
    rig = new MasterRig()
    rig.agent('a1', 'cpus:4;ports:[1-9]')
    rig.framework('web', { roles: ['prod'] })
    rig.registry = 'waits'
    const reserve = operationOf('reserve', 'cpus(prod,dynamic):1')
    rig.accept('web', 'a1', { operations: [reserve, launchOf(taskOf('t2', 'cpus:1;ports:[1-2]'))] })
    const { info: agent } = rig.master.state.agents.get('a1')!
    const tasks = [running({ resources: { cpus: 1, ports: [[1, 1]] } })]
    const received = { session: '', sequence: 0 }
    rig.send({ kind: 'agent', id: 'a1' }, 'register', { agent, tasks, received }, 'again')
    rig.writeNow()
    for (const taskId of ['t1', 't2'])
      rig.update('a1', { frameworkId: 'web', taskId, state: 'FINISHED', exitCode: 0 })
    const [books] = rig.state.agents
    const [free, offered] = [books?.free, books?.offered].map(wire => Resources.fromWire(wire ?? {}))
    expect([books?.allocated, String(free?.plus(offered ?? Resources.none))]).to.deep.equal([
      {},
      'cpus:3;cpus(prod,dynamic):1;ports:[1-9]',
    ])
  })

  it('and refuse a launch: the task is dropped', () => {
    rig.deafAgents.add('a1')
    launch()
    const call = rig.received.findLast(({ kind }) => kind === 'launch')?.call
    rig.send({ kind: 'agent', id: 'a1' }, 'reply', { ok: false, code: 'malformed', message: 'no' }, call)
    expect(rig.sent('framework web', 'update')[0]?.status).to.include({
      state: 'DROPPED',
      message: 'agent a1 refused it: no',
    })
    expect(rig.offered('web')).to.have.members(['a1 prod: cpus:3;mem:1024', 'a1 prod: cpus:1'])
  })

  it('are asked again when what they list was overtaken while the registry was written', () => {
    rig.registry = 'waits'
    rig.operate({ kind: 'deactivate', agentId: 'a1' })
    const a1 = { kind: 'agent', id: 'a1' } as const
    const { info: agent } = rig.master.state.agents.get('a1')!
    rig.send(a1, 'register', { agent, tasks: [], received: { session: '', sequence: 0 } }, 'again')
    launch()
    rig.update('a1', { ...orphan, state: 'RUNNING' })
    rig.writeNow()
    expect(states()).to.deep.equal([['t1', 'RUNNING']])
    expect(rig.sent('agent a1', 'resynchronise').at(-1)).to.deep.equal({
      reason: 'the list of its tasks was overtaken by later messages',
    })
  })

  it('under an id that another agent has are refused, unless they were started after it', () => {
    rig.agent('a1', undefined, { starts: 3 })
    const refused = [2, 3].map(starts => {
      rig.agent('a1', undefined, { starts, hostname: 'copy' })
      return registered().message
    })
    expect(refused).to.deep.equal(
      Array(2).fill(
        'another agent is registered as a1, on host a1 (this one is on copy): ' +
          'an agent needs a work directory of its own, and so an id of its own',
      ),
    )
    rig.agent('a1', undefined, { starts: 4, hostname: 'a1' })
    expect(registered().ok).to.equal(true)
  })

  it('are told to kill a task again and again, until it has ended', () => {
    launch()
    rig.call('web', 'kill', { taskId: 't1' })
    rig.advance(90_000)
    expect(rig.sent('agent a1', 'kill')).to.have.length(4)
    rig.update('a1', { ...orphan, state: 'KILLED' })
    rig.advance(90_000)
    expect(rig.sent('agent a1', 'kill')).to.have.length(4)
  })

  it('are told no kill of a task that has ended: who gives it hears how it has', () => {
    launch()
    rig.update('a1', { ...orphan, state: 'FAILED', exitCode: 3 })
    rig.call('web', 'kill', { taskId: 't1' })
    expect(rig.sent('agent a1', 'kill')).to.deep.equal([])
    const [answer] = rig.sent('framework web', 'update').slice(-1)
    expect(answer.status).to.include({ state: 'FAILED', exitCode: 3, reason: 'RECONCILIATION' })
  })

  it('are told at once of a kill with less grace', () => {
    launch()
    for (const graceMs of [5_000, 9_000, 1_000]) rig.call('web', 'kill', { taskId: 't1', graceMs })
    expect(rig.sent('agent a1', 'kill').map(({ graceMs }) => graceMs)).to.deep.equal([5_000, 1_000])
  })
})
