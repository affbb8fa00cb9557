import type { AgentInfo } from '@tender/sdk/protocol'
import { isTerminal } from '@tender/sdk/values'
import { Agent } from '../../../agent/core/agent.js'
import type { AgentCommand } from '../../../agent/core/commands.js'
import type { AgentInput } from '../../../agent/core/inputs.js'
import type { AgentTaskState } from '../../../agent/core/task.js'
import { Chance } from '../world/chance.js'
import { type Key, keyOf } from '../world/facts.js'
import { Host } from '../world/host.js'
import type { Connection } from '../world/network.js'
import { SimulatedProcess } from '../world/process.js'
import type { World } from '../world/world.js'

/** An agent: the real core on a host whose disk and containers outlive it, in a shell like `start-agent.ts`. */
export class AgentProcess extends SimulatedProcess {
  readonly host: Host
  /** What is on its disk. */
  readonly checkpoint = new Map<Key, AgentTaskState>()
  /** The leader has refused it for good. */
  hasGivenUp = false
  /** Nothing can be written. */
  isDiskFull = false
  readonly #info: AgentInfo
  readonly #chance: Chance
  #resources: Pick<AgentInfo, 'resources' | 'resourcesRevision'> | undefined
  #core: Agent | undefined
  #connection: Connection | undefined
  #starts = 0

  constructor(world: World, info: AgentInfo) {
    super(world, info.agentId)
    this.#info = info
    this.#chance = new Chance(world.seed, `agent ${info.agentId}`)
    this.host = new Host(world, info.agentId, this.#chance)
  }

  /** As it is on the disk. */
  get info(): AgentInfo {
    return { ...this.#info, ...this.#resources }
  }

  /** A record of a task cannot be read any more: it is set aside at the next start. */
  damage(): Key | undefined {
    const keys = [...this.checkpoint.keys()]
    if (keys.length === 0) return undefined
    const key = this.#chance.pick(keys)
    this.checkpoint.delete(key)
    this.world.tell({ kind: 'record-lost', agentId: this.name, key })
    return key
  }

  protected override onStart(): void {
    if (this.hasGivenUp) return this.crash()
    const tasks = [...this.checkpoint.values()].map(task => ({ ...task, updates: [...task.updates] }))
    // As the checkpoint counts them.
    this.#starts = Math.max(this.#starts + 1, Math.floor(this.now() / 1_000))
    const settings = { info: this.info, session: `${this.name}-${this.life}`, starts: this.#starts }
    const core = new Agent(settings, tasks)
    this.#core = core
    // Its containers are looked for before it listens to anybody.
    this.after(this.#chance.integer(1, 300), () => {
      const live = tasks.filter(task => !isTerminal(task.state))
      const { running, exits } = this.host.adopt(
        live.map(({ frameworkId, info: { taskId } }) => ({ frameworkId, taskId })),
        {
          started: this.whenAlive(container => this.#step({ kind: 'started', container })),
          startFailed: this.whenAlive((task, reason, message) =>
            this.#step({ kind: 'start-failed', task, reason, message }),
          ),
          exited: this.whenAlive(exit => this.#step({ kind: 'exited', exit })),
        },
      )
      const orphans = this.host.orphans(new Set(this.checkpoint.keys()))
      const areExitsFirst = this.#chance.is(0.5)
      const tellExits = () => {
        for (const exit of exits) this.#step({ kind: 'exited', exit })
      }
      this.#listen()
      if (areExitsFirst) tellExits()
      this.#step({ kind: 'recovered', running, ...(orphans.length > 0 ? { orphans } : {}) })
      if (!areExitsFirst) tellExits()
      this.every(this.world.settings.tickMs, () => this.#step({ kind: 'tick' }))
    })
  }

  protected override onEnd(): void {
    if (this.#connection) this.world.network.close(this.#connection)
    this.#connection = undefined
    this.#core = undefined
    this.host.abandon()
  }

  #listen(): void {
    const { network, codec } = this.world
    const connection = this.connect(status => {
      if (status === 'connected') this.#step({ kind: 'reconnected' })
    })
    this.#connection = connection
    network.subscribe(
      connection,
      `agent/${this.name}`,
      this.whenAlive(({ envelope }) => {
        const decoded = codec.toAgent(envelope)
        if (!decoded.ok) return this.#step({ kind: 'bad-message', error: decoded.error })
        this.#step({ kind: 'message', message: decoded.message })
      }),
    )
    network.subscribe(
      connection,
      'beacon',
      this.whenAlive(({ envelope }) => {
        const decoded = codec.beacon(envelope)
        if (!decoded.ok) return
        const { epoch, body } = decoded.message
        const { registerWithinMs, agentHeartbeatMs } = body
        this.#step({ kind: 'beacon', epoch, registerWithinMs, agentHeartbeatMs })
      }),
    )
  }

  #step(input: AgentInput): void {
    const core = this.#core
    if (!core) return
    const commands = this.world.calling(this.name, () => core.step({ ...input, now: this.now() }))
    const obeys = input.kind === 'message' && commands.length > 0 && input.message.kind !== 'reply'
    if (obeys) {
      const { epoch } = input.message
      this.world.tell({ kind: 'agent-obeys', agentId: this.name, life: this.life, epoch })
    }
    this.#performAll(commands)
  }

  /** What follows a checkpoint that cannot be written is not done: the core says what is done instead. */
  #performAll(commands: readonly AgentCommand[]): void {
    for (const [index, command] of commands.entries()) {
      const isWrite = command.kind.startsWith('checkpoint')
      if (isWrite && this.isDiskFull) {
        const undone = commands.slice(index).filter(({ kind }) => kind !== 'log')
        return this.#step({ kind: 'not-stored', reason: 'no space left on device', undone })
      }
      this.#perform(command)
    }
  }

  #write(task: AgentTaskState): void {
    this.checkpoint.set(keyOf({ frameworkId: task.frameworkId, taskId: task.info.taskId }), task)
    this.world.tell({ kind: 'checkpointed', agentId: this.name, task })
  }

  #perform(command: AgentCommand): void {
    if (command.kind !== 'log') this.burn(command.kind === 'send' ? command.envelope.kind : command.kind)
    const agentId = this.name
    switch (command.kind) {
      case 'checkpoint':
        return this.#write(command.task)
      case 'checkpoint-again':
        for (const task of command.tasks) this.#write(task)
        return this.#step({ kind: 'stored-again' })
      case 'checkpoint-resources':
        this.#resources = { resources: command.resources, resourcesRevision: command.revision }
        return
      case 'forget':
        this.checkpoint.delete(keyOf(command.task))
        return this.world.tell({ kind: 'forgotten', agentId, key: keyOf(command.task) })
      case 'send':
        if (!this.#connection) return
        if (command.envelope.kind === 'register')
          this.world.tell({ kind: 'agent-registers', agentId, info: this.info })
        return this.world.network.publish(this.#connection, 'leader', {
          peer: { kind: 'agent', id: agentId },
          envelope: this.world.codec.pack(command.envelope),
        })
      case 'start':
        return this.host.start(command.frameworkId, command.info)
      case 'stop':
        return this.host.stop(command.task, command.graceMs)
      case 'remove':
        return this.host.remove(command.task)
      case 'remove-orphan':
        return this.host.removeOrphan(command.task)
      case 'give-up':
        this.world.trace(agentId, `gives up: ${command.reason}`)
        this.hasGivenUp = true
        return this.crash()
      case 'read-log':
        return
      case 'log':
        if (command.level === 'warn' || command.level === 'error') this.world.trace(agentId, command.message)
        return
    }
  }
}
