import type { Log } from '@tender/sdk/runtime'
import { isTerminal } from '@tender/sdk/values'
import type { EngineConnection } from './containerizer/docker/engine.js'
import type { AgentTaskState } from './core/task.js'
import type { AgentOptions } from './start-agent.js'

export function runsInDocker({ info, handle, state }: AgentTaskState): boolean {
  return !isTerminal(state) && (handle ? handle.kind === 'docker' : info.container !== undefined)
}

/** One that is needed is waited for, if it does not answer: by tasks that run in it, or since it was asked for. */
export async function findEngine(
  options: AgentOptions,
  { log, isNeeded }: { readonly log: Log; readonly isNeeded: boolean },
): Promise<EngineConnection | undefined> {
  const { containerizers } = options
  if (containerizers !== 'auto' && !containerizers.includes('docker')) return undefined
  // Loaded only where it is used: it is the heaviest library of the agent.
  const { awaitedEngine, connectEngine } = await import('./containerizer/docker/engine.js')
  let why = 'no engine answers'
  const engine = await connectEngine({ ...options.engine, onUnavailable: reason => (why = reason) })
  if (engine) {
    log.info('docker engine found', { version: engine.version })
    return engine
  }
  if (containerizers === 'auto' && !isNeeded) {
    log.info('no docker engine; tasks run as plain processes', { reason: why })
    return undefined
  }
  log.warn('the docker engine does not answer; it is waited for, and nothing is offered until it does', {
    reason: why,
  })
  return awaitedEngine(options.engine)
}
