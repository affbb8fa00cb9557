import { describeError, type Log } from '@tender/sdk/runtime'
import { parseAttributes, Resources } from '@tender/sdk/values'
import type { Checkpoint } from './checkpoint/checkpoint.js'
import { DiskError } from './checkpoint/disk-error.js'
import { detectResources } from './resources/detect.js'
import { reconfigured, type StartedWith } from './resources/started-with.js'
import { namesIn, toldOrDetected } from './resources/static-resources.js'
import type { AgentOptions } from './start-agent.js'

/** What the flags say, and what is detected of the host. @throws Error when a flag is wrong */
export async function whatItStartsWith(options: AgentOptions): Promise<StartedWith> {
  const detected = Resources.parse(await detectResources(options.workDir))
  const told = options.resources ?? ''
  const names = namesIn(told)
  return {
    resources: toldOrDetected(told, detected).toWire(),
    detected: detected.names().filter(name => !names.has(name)),
    attributes: parseAttributes(options.attributes ?? ''),
    ...(options.domain ? { domain: options.domain } : {}),
  }
}

interface Settling {
  readonly checkpoint: Checkpoint
  readonly log: Log
  readonly options: AgentOptions
}

/** Compares it with what the agent was started with before, and keeps it for the next time. */
export async function settle(now: StartedWith, { checkpoint, log, options }: Settling): Promise<StartedWith> {
  const before = await checkpoint.startedWith()
  const settled = reconfigured(before, now, options.reconfiguration)
  const [measured, taken] = [now, settled].map(({ resources }) => String(Resources.fromWire(resources)))
  if (measured !== taken)
    log.info('a little less was detected than before; the old amounts hold', { measured })
  if (before && JSON.stringify(before) === JSON.stringify(settled)) return settled
  try {
    checkpoint.writeStartedWith(settled)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    log.warn('what this agent is started with could not be kept', { error: describeError(error) })
  }
  return settled
}
