import { describeError, type Log } from '@tender/sdk/runtime'
import { exitStatus } from './exit-status.js'

/** What `tender master`, `agent` and `service` run until they are told to stop. */
export interface Part {
  stop(): Promise<void>
}

const stopTimeoutMs = 30_000

/** How a part that runs says that it cannot go on. */
export interface PartEnd {
  /** For a reason outside of this program, such as a leader that refuses it. */
  readonly failed: (reason: unknown) => void
  /** For a reason inside of it. */
  readonly bug: (reason: unknown) => void
}

/**
 * Starts a part and stops it, in order, at SIGINT or SIGTERM (or the end of standard input). Says why it ends and with
 * which exit status.
 */
export async function runPart(
  name: string,
  log: Log,
  options: { stopWithStdin: boolean },
  start: (end: PartEnd) => Promise<Part>,
): Promise<void> {
  let part: Part | undefined
  let isEnding = false
  const end = async (reason: string, status: number): Promise<void> => {
    if (isEnding) return
    isEnding = true
    log[status === exitStatus.ok ? 'info' : 'error'](`${name} stops: ${reason}`, { exitStatus: status })
    // A part that cannot stop in order, e.g. because NATS hangs, stops all the same.
    setTimeout(() => process.exit(status), stopTimeoutMs).unref()
    await part
      ?.stop()
      .catch((error: unknown) => log.error('stopping failed', { error: describeError(error) }))
    // What is still open (a half-closed connection, a timer) must not keep a stopped process.
    process.exit(status)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void end(signal, exitStatus.ok))
  // Whoever read the log has gone: that is no reason to stop, and to log that would fail again.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const bug = (error: unknown): void => {
    log.error('bug', { error: error instanceof Error ? error.stack : String(error) })
    void end(`a bug: ${describeError(error)}`, exitStatus.bug)
  }
  process.on('uncaughtException', bug)
  if (options.stopWithStdin)
    process.stdin.on('end', () => void end('standard input was closed', exitStatus.ok)).resume()
  try {
    part = await start({ failed: reason => void end(describeError(reason), exitStatus.failure), bug })
  } catch (error) {
    await end(describeError(error), exitStatus.failure)
  }
}
