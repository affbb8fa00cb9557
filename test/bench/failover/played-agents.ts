import {
  type AgentInfo,
  decoder,
  encode,
  leaderToAgent,
  leaderToEveryone,
  type Peer,
  Subjects,
} from '@tender/sdk/protocol'
import { connectNats, NatsTransport, silentLog, systemRandom } from '@tender/sdk/runtime'
import { Agent } from '../../../agent/core/agent.js'
import type { AgentCommand } from '../../../agent/core/commands.js'
import type { AgentInput } from '../../../agent/core/inputs.js'
import { type AgentTaskState, newTask, report } from '../../../agent/core/task.js'

export interface PlayedCluster {
  readonly nats: string
  readonly cluster: string
  readonly frameworkId: string
  readonly agents: number
  readonly tasksPerAgent: number
  readonly connections: number
}

/** As in an agent's shell. */
const tickMs = 100
/** The agents take turns, so that they do not all tick at once. */
const turns = 20

/**
 * Many agents in one process: each the real core, with a subject and a session of its own, and a disk that takes
 * everything at once. They share a few connections, and one subscription of each connection to the beacon.
 */
export class PlayedAgents {
  readonly #played: PlayedCluster
  readonly #agents: PlayedAgent[] = []
  readonly #onAllRegistered: (epoch: number) => void
  #epoch = 0
  #registered = 0

  private constructor(played: PlayedCluster, onAllRegistered: (epoch: number) => void) {
    this.#played = played
    this.#onAllRegistered = onAllRegistered
  }

  /** @param onAllRegistered called when the last of them has been answered by the leader of an epoch */
  static async start(played: PlayedCluster, onAllRegistered: (epoch: number) => void): Promise<PlayedAgents> {
    const agents = new PlayedAgents(played, onAllRegistered)
    const subjects = new Subjects(played.cluster)
    for (let connection = 0; connection < played.connections; connection++) {
      const transport = new NatsTransport(await connectNats(played.nats, `agents ${connection}`), silentLog)
      const ofConnection: PlayedAgent[] = []
      for (let index = connection; index < played.agents; index += played.connections) {
        const agent = new PlayedAgent(index, played, { transport, subjects })
        agent.onRegistered = epoch => agents.#hasRegistered(epoch)
        ofConnection.push(agent)
      }
      const decodeBeacon = decoder(leaderToEveryone)
      transport.subscribe(subjects.leader, bytes => {
        const decoded = decodeBeacon(bytes)
        if (!decoded.ok) return
        const { epoch, body } = decoded.message
        const { registerWithinMs, agentHeartbeatMs } = body
        for (const agent of ofConnection)
          agent.step({ kind: 'beacon', epoch, registerWithinMs, agentHeartbeatMs })
      })
      agents.#agents.push(...ofConnection)
    }
    agents.#tick(0)
    return agents
  }

  /** A bounded number at a time: a cluster of this size does not start within a second. */
  async recover(): Promise<void> {
    const atOnce = 100
    for (let start = 0; start < this.#agents.length; start += atOnce) {
      for (const agent of this.#agents.slice(start, start + atOnce)) agent.recover()
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  #tick(turn: number): void {
    for (let index = turn; index < this.#agents.length; index += turns)
      this.#agents[index]?.step({ kind: 'tick' })
    setTimeout(() => this.#tick((turn + 1) % turns), tickMs / turns)
  }

  #hasRegistered(epoch: number): void {
    if (epoch > this.#epoch) {
      this.#epoch = epoch
      this.#registered = 0
    }
    if (epoch === this.#epoch && ++this.#registered === this.#played.agents) this.#onAllRegistered(epoch)
  }
}

/** What one of them tells of itself. */
export function playedAgent(index: number): AgentInfo {
  const agentId = `agent-${String(index).padStart(5, '0')}`
  return {
    agentId,
    hostname: `${agentId}.example`,
    resources: { cpus: 24, mem: 65_536, disk: 500_000, ports: [[31_000, 32_000]] },
    attributes: { rack: `r${index % 100}`, zone: `z${index % 3}` },
    containerizers: ['docker', 'process'],
    version: '0.1.0',
  }
}

interface Around {
  readonly transport: NatsTransport
  readonly subjects: Subjects
}

class PlayedAgent {
  onRegistered: (epoch: number) => void = () => {}
  readonly #core: Agent
  readonly #tasks: readonly AgentTaskState[]
  readonly #transport: NatsTransport
  readonly #subject: string
  #registeredIn = 0

  constructor(index: number, played: PlayedCluster, { transport, subjects }: Around) {
    const { agentId } = playedAgent(index)
    const self: Peer = { kind: 'agent', id: agentId }
    this.#transport = transport
    this.#subject = subjects.toLeader(self)
    this.#tasks = Array.from({ length: played.tasksPerAgent }, (_, task) =>
      runningTask(played.frameworkId, `task-${index}-${task}`),
    )
    this.#core = new Agent(
      {
        info: playedAgent(index),
        session: systemRandom.hex(16),
      },
      this.#tasks,
    )
    const decode = decoder(leaderToAgent)
    transport.subscribe(subjects.toPeer(self), bytes => {
      const decoded = decode(bytes)
      if (decoded.ok) this.step({ kind: 'message', message: decoded.message })
      else throw decoded.error
    })
  }

  recover(): void {
    const running = this.#tasks.map(({ frameworkId, info: { taskId } }) => ({
      frameworkId,
      taskId,
      handle: { kind: 'process' as const, pid: 1, startTicks: 1 },
    }))
    this.step({ kind: 'recovered', running: running as never })
  }

  step(input: AgentInput): void {
    for (const command of this.#core.step({ ...input, now: Date.now() })) this.#perform(command)
  }

  #perform(command: AgentCommand): void {
    if (command.kind === 'send') this.#transport.publish(this.#subject, encode(command.envelope))
    else if (command.kind === 'give-up') throw new Error(command.reason)
    else if (command.kind === 'log' && command.message === 'registered with the leader') {
      const epoch = Number(command.fields['epoch'])
      if (epoch === this.#registeredIn) return
      this.#registeredIn = epoch
      this.onRegistered(epoch)
    }
  }
}

/** Launched a while ago; all of its updates are acknowledged. */
function runningTask(frameworkId: string, taskId: string): AgentTaskState {
  const launchedAtMs = Date.now() - 60_000
  const task = newTask({
    frameworkId,
    role: '*',
    info: {
      taskId,
      name: 'web',
      resources: { cpus: 1, mem: 1_024 },
      shell: 'sleep 1000000',
      labels: { app: 'web' },
    },
    launchedAtMs,
  })
  report(task, { state: 'RUNNING' }, launchedAtMs)
  task.updates = []
  return task
}
