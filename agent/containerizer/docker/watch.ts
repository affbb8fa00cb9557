import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '@tender/sdk/runtime'
import type Dockerode from 'dockerode'
import { backoff } from '../backoff.js'
import type { ContainerExit, TaskKey } from '../containerizer.js'
import { callTimeoutMs, dial, messageOf, statusOf } from './engine.js'
import { readStart } from '../output-files.js'
import { type LogCopy, SandboxWriteError } from './log-copy.js'

type Ending = Omit<ContainerExit, keyof TaskKey>

export interface WatchOptions {
  readonly container: Dockerode.Container
  readonly sandbox: string
  /** Where the output goes. A failure to open it is logged; the task is watched all the same. */
  readonly output: Promise<LogCopy>
  readonly log: Log
  /** The engine has not answered, or has broken off. */
  readonly onTrouble: () => void
  /** Ends the watch, not the container. */
  readonly signal: AbortSignal
}

/** The engine ends a log stream by itself when its container has ended; how long we give it to deliver the rest. */
const logTailMs = 30_000

/** Copies what the container writes, and says how it ended when it has. Undefined: the watch was ended first. */
export async function watchContainer(options: WatchOptions): Promise<Ending | undefined> {
  const tail = new AbortController()
  const signal = AbortSignal.any([options.signal, tail.signal])
  const copying = copyLog({ ...options, signal })
  const ending = await waitForEnd(options)
  const giveUp = setTimeout(() => tail.abort(), ending ? logTailMs : 0)
  await copying
  clearTimeout(giveUp)
  return ending && { ...ending, ...(await initComplaint(ending, options.sandbox)) }
}

/** The codes by which the init process in the container says that it could not run the program. */
const notRunCodes = [126, 127]

/** A program that exists may still not be one, or lack its interpreter; the init process says so on standard error. */
async function initComplaint({ exitCode }: Ending, sandbox: string): Promise<{ readonly message?: string }> {
  if (exitCode === undefined || !notRunCodes.includes(exitCode)) return {}
  const message = /^\[FATAL tini[^\]]*\] (.+)/.exec(await readStart(sandbox, 'stderr'))?.[1]
  return message === undefined ? {} : { message }
}

async function waitForEnd({ container, signal, onTrouble }: WatchOptions): Promise<Ending | undefined> {
  let waited: number | undefined
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      waited = await waitOnce(container, signal)
      // An engine that is being stopped answers waits, too: only what it has written down is believed.
      const ending = await endingOf(container)
      if (ending) return ending
    } catch (error) {
      if (statusOf(error) === 404) return removedEnding(waited)
      onTrouble()
    }
    await backoff(failures, signal)
  }
  return undefined
}

function removedEnding(exitCode: number | undefined): Ending {
  return {
    ...(exitCode === undefined ? {} : { exitCode }),
    outOfMemory: false,
    message: 'container was removed',
  }
}

/** An exit by SIGKILL may be seen before the news of the memory limit that was the reason for it. */
const outOfMemoryNewsMs = 200

async function endingOf(container: Dockerode.Container): Promise<Ending | undefined> {
  let { State: state } = await inspect(container)
  if (state.Running) return undefined
  if (state.ExitCode === 137 && !state.OOMKilled) {
    await delay(outOfMemoryNewsMs)
    state = (await inspect(container)).State
  }
  return {
    exitCode: state.ExitCode,
    // A container may have lost one of its processes to its memory limit and have gone on to a good end.
    outOfMemory: state.OOMKilled && state.ExitCode !== 0,
    ...(state.Error ? { message: state.Error } : {}),
  }
}

function inspect(container: Dockerode.Container): Promise<Dockerode.ContainerInspectInfo> {
  return container.inspect({ abortSignal: AbortSignal.timeout(callTimeoutMs) })
}

/**
 * Waits for the container. Not by `container.wait()`: the engine sends the header of its answer at once, and when the
 * connection breaks after that, dockerode neither resolves nor rejects. A stream does tell that it broke.
 */
async function waitOnce(container: Dockerode.Container, signal: AbortSignal): Promise<number | undefined> {
  const stream = await dial<Readable>(container.modem as Dockerode['modem'], {
    path: `/containers/${container.id}/wait?`,
    method: 'POST',
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    options: {},
  })
  const { StatusCode: exitCode, Error: error } = JSON.parse(await text(stream)) as WaitAnswer
  return error ? undefined : exitCode
}

interface WaitAnswer {
  readonly StatusCode: number
  readonly Error?: object | null
}

async function copyLog(options: WatchOptions): Promise<void> {
  const { container, sandbox, log, signal } = options
  let copy: LogCopy | undefined
  try {
    copy = await options.output
    for (let failures = 0; !signal.aborted; failures += 1) {
      if (await copyOnce(copy, container, signal)) return
      await backoff(failures, signal)
    }
    log.warn('the end of the log was not read')
  } catch (error) {
    log.warn('output is not copied to the sandbox', { sandbox, error: messageOf(error) })
  } finally {
    await copy?.close()
  }
}

/** True when there is nothing more to come. */
async function copyOnce(
  copy: LogCopy,
  container: Dockerode.Container,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const options = { follow: true, stdout: true, stderr: true, abortSignal: signal } as const
    const stream: AsyncIterable<string | Buffer> = await container.logs(options)
    await copy.copy(stream)
    // A restart of the engine ends the stream, too, and some engines leave containers running meanwhile.
    if ((await inspect(container)).State.Running) return false
    await copy.copy(await wholeLog(container, signal))
    return true
  } catch (error) {
    if (error instanceof SandboxWriteError) throw error
    return statusOf(error) === 404
  }
}

/**
 * All that a container has written, which has ended. A stream that follows a running container may miss the last of it:
 * under load the engine ends the stream when the container does, before the reader has got to the end of the log.
 */
function wholeLog(container: Dockerode.Container, signal: AbortSignal): Promise<Readable> {
  return dial<Readable>(container.modem as Dockerode['modem'], {
    path: `/containers/${container.id}/logs?stdout=true&stderr=true`,
    method: 'GET',
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    options: {},
  })
}
