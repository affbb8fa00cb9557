import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type AgentHealth,
  type AgentInfo,
  type AgentTask,
  agentToLeader,
  decoder,
  encode,
  LinkEnd,
  type Orphan,
  Subjects,
  type TaskInfo,
  type TaskStatus,
} from '@tender/sdk/protocol'
import { connectNats, NatsTransport, silentLog, type Transport } from '@tender/sdk/runtime'
import { until } from '../../cli/dev/until.js'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const frameworkId = 'f'
const subjects = new Subjects('default')
const self = { kind: 'agent', id: 'a1' } as const
const patienceMs = 20_000

export interface Registration {
  readonly agent: AgentInfo
  readonly tasks: readonly AgentTask[]
  readonly orphans?: readonly Orphan[]
}

/** A real agent, a process of its own, and a leader that orders what the test says. */
export class LedAgent {
  readonly workDir: string
  /** All that it has printed since it was started. */
  output = ''
  readonly registrations: Registration[] = []
  /** The updates that came, each once, in their order. */
  readonly updates: TaskStatus[] = []
  /** As it has last told. */
  health: AgentHealth = { ok: true }
  /** Which launches it has answered, by task id. */
  readonly answered = new Set<string>()
  /** Whether updates are acknowledged, so that ended tasks are forgotten. */
  acknowledges = false
  /** What the leader lets it remove. */
  removeOrphans: readonly Orphan[] = []
  readonly #natsUrl: string
  readonly #transport: Transport
  #link = new LinkEnd('m0')
  /** The session of its last registration. */
  #registered = ''
  #process: ChildProcess | undefined
  #beacon: NodeJS.Timeout | undefined

  private constructor(natsUrl: string, workDir: string, transport: Transport) {
    this.#natsUrl = natsUrl
    this.workDir = workDir
    this.#transport = transport
  }

  static async create(natsUrl: string, workDir?: string): Promise<LedAgent> {
    const directory = workDir ?? (await mkdtemp(join(tmpdir(), 'tender-agent-')))
    const transport = new NatsTransport(await connectNats(natsUrl, 'test'), silentLog)
    const led = new LedAgent(natsUrl, directory, transport)
    led.#listen()
    return led
  }

  /** As an operator does, with these flags besides; resolves when it has registered. */
  async start(...flags: readonly string[]): Promise<Registration> {
    const known = this.registrations.length
    this.launch(...flags)
    return await this.until('the agent has registered', () => this.registrations[known])
  }

  /** Starts it and waits for nothing. */
  launch(...flags: readonly string[]): ChildProcess {
    const args = [
      'agent',
      '--nats',
      this.#natsUrl,
      '--work-dir',
      this.workDir,
      '--agent-id',
      self.id,
      ...flags,
    ]
    this.output = ''
    const child = spawn(process.execPath, [main, ...args])
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', data => (this.output += String(data)))
    this.#process = child
    return child
  }

  /** As a crash does: its tasks run on. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }

  get isAlive(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null
  }

  /** Orders a task; by its shell command it is a process, with an image a container. */
  order(task: TaskInfo): void {
    this.#say('launch', { frameworkId, role: 'r', task }, `launch-${task.taskId}`)
  }

  /** Orders a task and waits until it runs. */
  async run(task: TaskInfo): Promise<void> {
    this.order(task)
    await this.reaches(task.taskId, 'RUNNING')
  }

  killTask(taskId: string): void {
    this.#say('kill', { frameworkId, taskId }, `kill-${taskId}`)
  }

  acknowledge(taskId: string, sequence: number): void {
    this.#say('acknowledge', { frameworkId, taskId, sequence })
  }

  /** The update by which a task has reached this state. */
  async reaches(taskId: string, state: TaskStatus['state']): Promise<TaskStatus> {
    return await this.until(`${taskId} is ${state}`, () =>
      this.updates.find(update => update.taskId === taskId && update.state === state),
    )
  }

  statesOf(taskId: string): string[] {
    return this.updates.filter(update => update.taskId === taskId).map(({ state }) => state)
  }

  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    try {
      return await until(what, patienceMs, async () => look())
    } catch (cause) {
      const told = this.updates.map(({ taskId, state, message }) => [taskId, state, message].join(' '))
      throw new Error([String(cause), ...told, this.output].join('\n'), { cause })
    }
  }

  async dispose(): Promise<void> {
    await this.kill()
    clearInterval(this.#beacon)
    await this.#transport.close()
    await rm(this.workDir, { recursive: true, force: true })
  }

  #listen(): void {
    const decode = decoder(agentToLeader)
    this.#transport.subscribe(subjects.toLeader(self), bytes => {
      const decoded = decode(bytes)
      if (!decoded.ok) throw decoded.error
      const { message } = decoded
      switch (message.kind) {
        case 'register':
          // A repeated registration begins no new link: its numbers would look like repetitions.
          if (this.#registered !== message.session) this.#link = new LinkEnd(`m-${message.session}`)
          this.#registered = message.session
          this.health = message.body.health ?? { ok: true }
          this.#say(
            'reply',
            { ok: true, result: { heartbeatMs: 2_500, removeOrphans: this.removeOrphans } },
            message.call ?? '',
          )
          this.registrations.push(message.body)
          return
        case 'heartbeat':
          this.health = message.body.health ?? { ok: true }
          return
        case 'update':
          return this.#updated(message.body.status)
        case 'reply':
          if (message.body.ok) this.answered.add((message.call ?? '').replace(/^launch-/, ''))
      }
    })
    this.#beacon = setInterval(() => {
      const beacon = new LinkEnd('m0').wrap('beacon', { masterId: 'm', httpUrl: 'http://m' }, 1)
      this.#transport.publish(subjects.leader, encode(beacon))
    }, 1_000)
  }

  #updated(status: TaskStatus): void {
    const { taskId, sequence = 0 } = status
    const isKnown = this.updates.some(update => update.taskId === taskId && update.sequence === sequence)
    if (!isKnown) this.updates.push(status)
    if (this.acknowledges) this.acknowledge(taskId, sequence)
  }

  #say(kind: string, body: object, call?: string): void {
    const message = this.#link.wrap(kind, body, 1, call === undefined ? {} : { call })
    this.#transport.publish(subjects.toPeer(self), encode(message))
  }
}
