import {
  type AgentInfo,
  type AgentTask,
  type agentToLeader,
  type Envelope,
  type leaderToAgent,
  LinkEnd,
  type MessageOf,
  type Reply,
  type TaskStatus,
} from '@tender/sdk/protocol'
import { Resources, type TaskState } from '@tender/sdk/values'
import type { StepValue } from '../steps.js'
import { StepRefused } from '../world.js'
import type { SimulatedMaster } from './simulated-master.js'

interface PlayedTask extends AgentTask {
  /** Of its last update. */
  readonly sequence: number
}

interface PlayedAgent {
  info: AgentInfo
  readonly link: LinkEnd
  /** By framework and task. */
  readonly tasks: Map<string, PlayedTask>
}

/** Which tasks a release names. */
export interface TasksWanted {
  readonly framework: string
  readonly agent: string
  readonly task: string | undefined
  readonly role: string | undefined
  readonly resources: Resources | undefined
}

/** The agents of a simulation, as the master sees them: their tasks run as soon as they are launched. */
export class PlayedAgents {
  readonly #master: SimulatedMaster
  readonly #agents = new Map<string, PlayedAgent>()
  #sessions = 0
  #usedTasks = 0
  /** The answer to the registration that is under way. */
  #answer: Reply | undefined

  constructor(master: SimulatedMaster) {
    this.#master = master
    master.onMessage('agent', (id, envelope) => this.#receive(id, envelope))
  }

  /** Registers, or registers again, with the tasks that run there. */
  register({ id, resources, attributes, hostname, domain, used }: StepValue<'agent'>): void {
    const before = this.#agents.get(id)
    const tasks = new Map(this.#agents.get(id)?.tasks)
    for (const each of used) {
      const task = this.#runningTask(each)
      const key = keyOf(task)
      if (tasks.has(key))
        throw new StepRefused('duplicate-task', `task ${task.taskId} runs on agent ${id} already`)
      tasks.set(key, task)
    }
    const info: AgentInfo = {
      agentId: id,
      hostname: hostname ?? id,
      resources: Resources.parse(resources).toWire(),
      // What it says now counts, whatever the master has told it to keep.
      resourcesRevision: (before?.info.resourcesRevision ?? 0) + 1,
      attributes,
      ...(domain ? { domain: { region: domain.region ?? 'none', zone: domain.zone ?? 'none' } } : {}),
      containerizers: ['process'],
      version: 'simulated',
    }
    const agent: PlayedAgent = { info, link: new LinkEnd(`${id}-${++this.#sessions}`), tasks }
    // What the master answers a registration with may already be a kill.
    this.#agents.set(id, agent)
    this.#answer = undefined
    this.#send(
      id,
      'register',
      { agent: info, tasks: [...tasks.values()], received: nothingReceived },
      'register',
    )
    const answer = this.#answer as Reply | undefined
    if (answer?.ok) return
    if (before) this.#agents.set(id, before)
    else this.#agents.delete(id)
    throw new StepRefused(answer?.code ?? 'timeout', answer?.message ?? `agent ${id} was not answered`)
  }

  /** @throws StepRefused when there is no such task, or none that together hold just that */
  end(wanted: TasksWanted): void {
    const { agent: agentId, framework } = wanted
    const agent = this.#agent(agentId)
    const tasks = [...agent.tasks.values()].filter(
      task =>
        task.frameworkId === framework &&
        (wanted.task ?? task.taskId) === task.taskId &&
        (wanted.role ?? task.role) === task.role,
    )
    const { resources } = wanted
    const ended = resources ? tasksHolding(tasks, resources) : tasks
    if (!ended || ended.length === 0) {
      const has = tasks
        .map(task => `${task.taskId} (${String(Resources.fromWire(task.resources))})`)
        .join(', ')
      const what = resources ? `tasks that together hold ${String(resources)}` : `such task`
      const problem = `framework ${framework} has no ${what} on agent ${agentId}; it has ${has || 'none'}`
      throw new StepRefused('unknown-task', problem)
    }
    this.#master.together(() => {
      for (const task of ended) this.#update(agentId, agent, task, 'FINISHED')
    })
  }

  /** The agent is gone, for good or until it registers again. */
  forget(id: string): void {
    this.#agents.delete(id)
  }

  #agent(agentId: string): PlayedAgent {
    const agent = this.#agents.get(agentId)
    if (!agent) throw new StepRefused('agent-unavailable', `agent ${agentId} is not there any more`)
    return agent
  }

  #runningTask({ framework, role, resources, task }: StepValue<'agent'>['used'][number]): PlayedTask {
    return {
      frameworkId: framework,
      taskId: task ?? `used-${++this.#usedTasks}`,
      role,
      resources: Resources.parse(resources).toWire(),
      state: 'RUNNING',
      launchedAtMs: this.#master.nowMs,
      sequence: 0,
    }
  }

  #receive(id: string, envelope: Envelope): void {
    const agent = this.#agents.get(id)
    if (!agent) return
    const message = envelope as MessageOf<typeof leaderToAgent>
    switch (message.kind) {
      case 'reply':
        this.#answer = message.body
        return
      case 'launch': {
        const { frameworkId, role, task } = message.body
        const { taskId, resources } = task
        const launchedAtMs = this.#master.nowMs
        const started = {
          frameworkId,
          taskId,
          role,
          resources,
          state: 'STAGING' as const,
          launchedAtMs,
          sequence: 0,
        }
        this.#send(id, 'reply', { ok: true }, message.call)
        return this.#update(id, agent, started, 'RUNNING')
      }
      case 'kill': {
        this.#send(id, 'reply', { ok: true }, message.call)
        const task = agent.tasks.get(keyOf(message.body))
        if (task) this.#update(id, agent, task, 'KILLED')
        return
      }
      case 'set-resources': {
        const { resources, resourcesRevision } = message.body
        agent.info = { ...agent.info, resources, resourcesRevision }
        return this.#send(id, 'reply', { ok: true }, message.call)
      }
      case 'resynchronise':
        throw new Error(`agent ${id} is out of step: ${message.body.reason}`)
      case 'acknowledge':
      case 'read-log':
        return
    }
  }

  #update(id: string, agent: PlayedAgent, task: PlayedTask, state: TaskState): void {
    const { frameworkId, taskId } = task
    const sequence = task.sequence + 1
    const status: TaskStatus = {
      frameworkId,
      taskId,
      agentId: id,
      state,
      sequence,
      timestampMs: this.#master.nowMs,
      source: 'agent',
    }
    if (state === 'RUNNING') agent.tasks.set(keyOf(task), { ...task, state, status, sequence })
    else agent.tasks.delete(keyOf(task))
    this.#send(id, 'update', { status })
  }

  #send(id: string, kind: keyof typeof agentToLeader, body: object, call?: string): void {
    const { link } = this.#agent(id)
    const envelope = link.wrap(kind, body, this.#master.epoch, call === undefined ? {} : { call })
    const message = envelope as MessageOf<typeof agentToLeader>
    this.#master.step({ kind: 'agent-message', agentId: id, message })
  }
}

const nothingReceived = { session: '', sequence: 0 }

function keyOf({ frameworkId, taskId }: { frameworkId: string; taskId: string }): string {
  return `${frameworkId}/${taskId}`
}

/** Some of these that together hold exactly so much: the first that do, in order. */
function tasksHolding(tasks: readonly PlayedTask[], wanted: Resources): readonly PlayedTask[] | undefined {
  if (wanted.isEmpty) return []
  for (const [index, task] of tasks.entries()) {
    const resources = Resources.fromWire(task.resources)
    if (resources.isEmpty || !wanted.contains(resources)) continue
    const others = tasksHolding(tasks.slice(index + 1), wanted.minus(resources))
    if (others) return [task, ...others]
  }
  return undefined
}
