import { hostname } from 'node:os'
import {
  agentId as agentIdSchema,
  type AgentInfo,
  type Domain,
  describeProblems,
  validator,
} from '@tender/sdk/protocol'
import {
  connectNats,
  type Log,
  NatsTransport,
  type Random,
  systemClock,
  systemRandom,
} from '@tender/sdk/runtime'
import { Resources } from '@tender/sdk/values'
import { AgentShell } from './agent-shell.js'
import { Checkpoint } from './checkpoint/checkpoint.js'
import { lockWorkDir } from './checkpoint/lock.js'
import type { EngineOptions } from './containerizer/docker/engine.js'
import { findEngine, runsInDocker } from './find-engine.js'
import { carriedOver } from './resources/carry-over.js'
import type { Reconfiguration } from './resources/started-with.js'
import { settle, whatItStartsWith } from './settle.js'
import { version } from './version.js'

export type ContainerizerKind = 'docker' | 'process'

export interface AgentOptions {
  readonly cluster: string
  /** URL of NATS. */
  readonly nats: string
  /** Checkpoint and sandboxes. One agent at a time. */
  readonly workDir: string
  /** Text form; what it names wins over what is detected. Static reservations, mounts and revocable ones may be named. */
  readonly resources?: string
  /** Text form: `rack:r1;slots:4`. */
  readonly attributes?: string
  /** Where it stands: what fails together. */
  readonly domain?: Domain
  /** What may differ from what it was started with before; only more, unless told. */
  readonly reconfiguration?: Reconfiguration
  /** Under which tasks are reached; the host's own name unless told. */
  readonly hostname?: string
  /** At the first start; later ones keep it. Made of the host's name unless told. */
  readonly agentId?: string
  /** `auto`: processes, and docker where an engine answers. */
  readonly containerizers: readonly ContainerizerKind[] | 'auto'
  readonly engine: EngineOptions
  /** What plain processes get of the agent's environment is chosen from this. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: Log
  /** The leader refuses this agent, for the reason in the error. */
  readonly onRefused: (error: Error) => void
  /** A bug: the process has to end; tasks run on. */
  readonly onBug: (error: unknown) => void
}

export interface RunningAgent {
  readonly agentId: string
  readonly resources: string
  readonly containerizers: readonly ContainerizerKind[]
  /** Stops the agent; tasks run on, unless they are to be stopped with it. */
  stop(options?: { tasksToo?: boolean }): Promise<void>
}

/**
 * Starts an agent: finds its tasks of before again, registers, and runs what the leader launches.
 *
 * @throws Error when the work directory is in use or was written by a newer version, NATS does not answer, or an option is wrong
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const startsWith = await whatItStartsWith(options)
  const lock = await lockWorkDir(options.workDir)
  try {
    const checkpoint = new Checkpoint(options.workDir, options.log)
    await checkpoint.refuseNewer()
    const agentId = await checkpoint.agentId(() => checkedId(options.agentId ?? madeUpId(systemRandom)))
    const log = options.log.with({ agentId })
    const { attributes, ...is } = await settle(startsWith, { checkpoint, log, options })
    const startedWith = Resources.fromWire(is.resources)
    const kept = await checkpoint.resources()
    const resources = kept ? carriedOver(kept, startedWith) : startedWith
    const starts = await checkpoint.countStart(systemClock.now())
    const tasks = await checkpoint.tasks()
    const engine = await findEngine(options, { log, isNeeded: tasks.some(runsInDocker) })
    const kinds: ContainerizerKind[] = [
      ...(engine ? (['docker'] as const) : []),
      ...(options.containerizers === 'auto' || options.containerizers.includes('process')
        ? (['process'] as const)
        : []),
    ]
    const transport = new NatsTransport(await connectNats(options.nats, `tender agent ${agentId}`), log)
    const info: AgentInfo = {
      agentId,
      hostname: options.hostname ?? hostname(),
      resources: resources.toWire(),
      ...(kept ? { resourcesRevision: kept.revision } : {}),
      attributes,
      ...(options.domain ? { domain: options.domain } : {}),
      containerizers: kinds,
      version,
    }
    const shell = new AgentShell(options, info, {
      log,
      transport,
      checkpoint,
      starts,
      tasks,
      engine,
      startedWith,
    })
    await shell.start()
    return {
      agentId,
      resources: String(resources),
      containerizers: kinds,
      stop: async ({ tasksToo = false } = {}) => {
        if (tasksToo) await shell.stopTasks()
        await shell.stop()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

function checkedId(id: string): string {
  const checked = validator(agentIdSchema)(id)
  if (!checked.ok) throw new TypeError(`an agent's id: ${describeProblems(checked.problems)}`)
  return id
}

function madeUpId(random: Random): string {
  const host =
    hostname()
      .split('.')[0]
      ?.replace(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '') || 'agent'
  return `${host.slice(0, 50)}-${random.hex(6)}`
}
