import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '@tender/sdk'
import { startNats, type TestNats } from '../../support/nats.js'
import type { FromAgents } from './agents-process.js'
import { makeKnown } from './known-agents.js'
import { Masters } from './masters.js'
import type { PlayedCluster } from './played-agents.js'

const agentsFile = fileURLToPath(new URL('agents-process.js', import.meta.url))
const frameworkId = 'bench'
const cluster = 'bench-failover'

/** When something was first seen in an epoch, by `performance.now()`. */
class Firsts {
  readonly #atMs = new Map<number, number>()
  readonly #news = new EventEmitter()

  note(epoch: number, atMs = performance.now()): void {
    if (this.#atMs.has(epoch)) return
    this.#atMs.set(epoch, atMs)
    this.#news.emit('seen')
  }

  async of(epoch: number): Promise<number> {
    for (;;) {
      const atMs = this.#atMs.get(epoch)
      if (atMs !== undefined) return atMs
      await once(this.#news, 'seen')
    }
  }
}

/**
 * Two masters, played agents with running tasks, and the tasks' framework, which keeps what it is offered. The
 * agents have been registered before: to write ten thousand records one by one takes longer than what is measured.
 */
export class FailoverCluster {
  readonly nats: TestNats
  readonly masters: Masters
  readonly firstOffers = new Firsts()
  readonly allRegistered = new Firsts()
  readonly #agents: ChildProcess
  readonly #size: PlayedCluster
  #scheduler: Awaited<ReturnType<typeof connect>> | undefined

  private constructor(nats: TestNats, masters: Masters, played: PlayedCluster) {
    this.nats = nats
    this.masters = masters
    this.#size = played
    this.#agents = fork(agentsFile, [JSON.stringify(played)], { execArgv: ['--max-old-space-size=2048'] })
    this.#agents.on('message', (message: FromAgents) => {
      if (message.kind === 'all-registered')
        this.allRegistered.note(message.epoch, message.atMs - performance.timeOrigin)
    })
    this.#agents.once('exit', code => {
      if (code !== null && code !== 0) throw new Error(`the process that plays agents ended with ${code}`)
    })
  }

  /** Resolves when all agents are registered and known with all their tasks. */
  static async start(
    size: Pick<PlayedCluster, 'agents' | 'tasksPerAgent' | 'connections'>,
  ): Promise<FailoverCluster> {
    const nats = await startNats()
    await makeKnown(nats.url, cluster, size.agents)
    const masters = await Masters.of(nats.url, cluster)
    await masters.start()
    const { epoch } = await masters.leaderAfter(0)
    const made = new FailoverCluster(nats, masters, { nats: nats.url, cluster, frameworkId, ...size })
    made.#scheduler = await connect({
      nats: nats.url,
      cluster,
      framework: { frameworkId, name: 'bench', roles: ['*'] },
      offers: offers => {
        for (const { offerId } of offers) made.firstOffers.note(Number(offerId.split('-')[0]))
      },
    })
    await masters.start()
    await made.allRegistered.of(epoch)
    return made
  }

  /** The leader itself knows all of them. */
  check(metric: (name: string) => number): void {
    const agents = metric('tender_agents{state="registered"}')
    const tasks = metric('tender_tasks{state="RUNNING"}')
    const expected = this.#size.agents * this.#size.tasksPerAgent
    if (agents !== this.#size.agents || tasks !== expected)
      throw new Error(`the leader knows ${agents} agents with ${tasks} running tasks`)
  }

  get agentsPid(): number {
    return this.#agents.pid ?? 0
  }

  async stop(): Promise<void> {
    await this.#scheduler?.close()
    this.#agents.disconnect()
    await once(this.#agents, 'exit')
    await this.masters.stop()
    await this.nats.dispose()
  }
}
