import type Dockerode from 'dockerode'
import { ContainerStartError } from '../containerizer.js'
import { messageOf, statusOf } from './engine.js'

export interface PullOptions {
  readonly image: string
  /** A pull that says nothing for this long has failed: an unreachable registry must not hold a task for ever. */
  readonly stallMs: number
}

/** One line of what the engine tells while it pulls. */
interface PullLine {
  readonly error?: string
}

export async function hasImage(docker: Dockerode, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect()
    return true
  } catch (error) {
    if (statusOf(error) === 404) return false
    throw error
  }
}

/** @throws ContainerStartError that names the image and the cause */
export async function pullImage(docker: Dockerode, { image, stallMs }: PullOptions): Promise<void> {
  const abort = new AbortController()
  const stalled = setTimeout(() => abort.abort(), stallMs)
  try {
    const stream = await docker.pull(image, { abortSignal: abort.signal })
    let rest = ''
    for await (const chunk of stream) {
      stalled.refresh()
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(throwIfError)
    }
    throwIfError(rest)
  } catch (error) {
    throw pullError(image, abort.signal.aborted ? new Error(`no progress for ${stallMs / 1000} s`) : error)
  } finally {
    clearTimeout(stalled)
  }
}

/** The engine reports a failure in the middle of a pull as a line of a successful answer. */
function throwIfError(line: string): void {
  if (line.trim() === '') return
  const { error } = JSON.parse(line) as PullLine
  if (error !== undefined) throw new Error(error)
}

const absentPattern = /not found|manifest unknown|does not exist|pull access denied|invalid reference format/i

export function pullError(image: string, cause: unknown): ContainerStartError {
  const message = messageOf(cause)
  // A registry whose name cannot be looked up is also "not found", but it is the way there that is missing.
  const unreachable = /dial tcp|lookup|connection refused|timeout|no such host/i.test(message)
  const absent = !unreachable && (statusOf(cause) === 404 || absentPattern.test(message))
  return absent
    ? new ContainerStartError('image-not-found', `image ${image} does not exist: ${message}`, { cause })
    : new ContainerStartError('image-pull-failed', `image ${image} could not be pulled: ${message}`, {
        cause,
      })
}
