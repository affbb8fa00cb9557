import {
  type AgentInfo,
  type leaderToAgent,
  LinkEnd,
  type MessageOf,
  type Registered,
  type TaskInfo,
} from '@tender/sdk/protocol'
import { Agent } from '../../../../agent/core/agent.js'
import type { AgentCommand } from '../../../../agent/core/commands.js'
import type { AgentInput } from '../../../../agent/core/inputs.js'
import type { AgentTaskState } from '../../../../agent/core/task.js'

type LeaderMessage = MessageOf<typeof leaderToAgent>

export const info: AgentInfo = {
  agentId: 'a1',
  hostname: 'a1.test',
  resources: { cpus: 4 },
  attributes: {},
  containerizers: ['process'],
  version: 'test',
}

export function taskOf(taskId: string): TaskInfo {
  return { taskId, resources: { cpus: 1 }, shell: 'x' }
}

const containerOf = (taskId: string) =>
  ({ frameworkId: 'f', taskId, handle: { kind: 'docker', containerId: `c-${taskId}` } }) as const

/** An agent, its disk, and a leader that says what the test lets it say. Time stands still unless it is moved. */
export class AgentRig {
  now = 0
  /** Why the disk takes nothing, while it does not. */
  diskTrouble: string | undefined
  /** What is on the disk, by task id. */
  readonly disk: Map<string, AgentTaskState>
  /** What was sent, as it was sent. */
  readonly sent: Extract<AgentCommand, { kind: 'send' }>['envelope'][] = []
  readonly #agent: Agent
  #leader = new LinkEnd('m1')
  #epoch = 1

  constructor(agentId = 'a1', disk = new Map<string, AgentTaskState>(), session = 's1') {
    this.disk = disk
    this.#agent = new Agent({ info: { ...info, agentId }, session }, structuredClone([...disk.values()]))
  }

  /** One that has registered, and knows this task running, if any. */
  static registered(taskId?: string): AgentRig {
    const rig = new AgentRig()
    rig.step({ kind: 'recovered', running: [] })
    rig.takeRegistration()
    if (taskId !== undefined) {
      rig.launch(taskId)
      rig.starts(taskId)
    }
    rig.sent.length = 0
    return rig
  }

  /** What it does, as one reads it; what it logs is left out. */
  step(input: AgentInput): string[] {
    return this.#perform(this.#agent.step({ ...input, now: this.now }))
  }

  /** Moves time, and lets it look at its deadlines. */
  after(ms: number): string[] {
    this.now += ms
    return this.step({ kind: 'tick' })
  }

  /** At which times it says something of this kind, in so long. */
  timesOf(kind: string, withinMs: number, every = (): unknown => undefined): number[] {
    const times: number[] = []
    for (const end = this.now + withinMs; this.now < end; ) {
      if (this.after(100).some(told => told.startsWith(`send ${kind}`))) times.push(this.now)
      every()
    }
    return times
  }

  hear(kind: LeaderMessage['kind'], body: object, options: { call?: string; to?: string } = {}): string[] {
    const message = this.#leader.wrap(kind, body, this.#epoch, { to: 's1', ...options })
    return this.step({ kind: 'message', message: message as LeaderMessage })
  }

  beacon(body: { registerWithinMs?: number; agentHeartbeatMs?: number } = {}, epoch = this.#epoch): string[] {
    return this.step({ kind: 'beacon', epoch, ...body })
  }

  /** Another leader is elected; nobody has heard of it yet. */
  elect(): void {
    this.#leader = new LinkEnd(`m${++this.#epoch}`)
  }

  takeRegistration(result: Partial<Registered> = {}): string[] {
    const call = this.sent.findLast(({ kind }) => kind === 'register')?.call ?? ''
    return this.hear('reply', { ok: true, result: { heartbeatMs: 2_500, ...result } }, { call })
  }

  launch(taskId: string, options: { call?: string; to?: string; since?: number } = {}): string[] {
    const { since, ...rest } = options
    const frameworkSince = since === undefined ? {} : { frameworkSince: since }
    const body = { frameworkId: 'f', role: 'r', task: taskOf(taskId), ...frameworkSince }
    return this.hear('launch', body, { call: `launch-${taskId}`, ...rest })
  }

  kill(taskId: string): string[] {
    return this.hear('kill', { frameworkId: 'f', taskId }, { call: `kill-${taskId}` })
  }

  acknowledge(taskId: string, sequence: number): string[] {
    return this.hear('acknowledge', { frameworkId: 'f', taskId, sequence })
  }

  starts(taskId: string): string[] {
    return this.step({ kind: 'started', container: containerOf(taskId) })
  }

  exits(taskId: string, exitCode = 0): string[] {
    return this.step({ kind: 'exited', exit: { frameworkId: 'f', taskId, exitCode, outOfMemory: false } })
  }

  /** The body of its last registration. */
  get registration(): { tasks: { taskId: string; state: string }[]; orphans?: object[]; health?: object } {
    return this.sent.findLast(({ kind }) => kind === 'register')?.body as never
  }

  /** As the shell does: what follows a failed write is given back. */
  #perform(commands: readonly AgentCommand[]): string[] {
    const told: string[] = []
    for (const [index, command] of commands.entries()) {
      if (this.diskTrouble !== undefined && command.kind.startsWith('checkpoint')) {
        const undone = commands.slice(index)
        return [...told, ...this.step({ kind: 'not-stored', reason: this.diskTrouble, undone })]
      }
      if (command.kind === 'checkpoint')
        this.disk.set(command.task.info.taskId, structuredClone(command.task))
      if (command.kind === 'forget') this.disk.delete(command.task.taskId)
      if (command.kind === 'send') this.sent.push(command.envelope)
      told.push(...text(command))
      if (command.kind === 'checkpoint-again') {
        for (const task of command.tasks) this.disk.set(task.info.taskId, structuredClone(task))
        told.push(...this.step({ kind: 'stored-again' }))
      }
    }
    return told
  }
}

function text(command: AgentCommand): string[] {
  switch (command.kind) {
    case 'checkpoint':
      return [`checkpoint ${command.task.info.taskId} ${command.task.state}`]
    case 'checkpoint-again':
      return [['checkpoint-again', ...command.tasks.map(({ info: { taskId } }) => taskId)].join(' ')]
    case 'send': {
      const { kind, call, body } = command.envelope
      const { status, health } = body as {
        status?: { taskId: string; state: string }
        health?: { reason: string }
      }
      const what = status ? [status.taskId, status.state] : [call, health && `(${health.reason})`]
      return [['send', kind, ...what].filter(Boolean).join(' ')]
    }
    case 'start':
      return [`start ${command.info.taskId}`]
    case 'stop':
    case 'remove':
    case 'remove-orphan':
    case 'forget':
      return [`${command.kind} ${command.task.taskId}`]
    case 'log':
      return []
    default:
      return [command.kind]
  }
}
