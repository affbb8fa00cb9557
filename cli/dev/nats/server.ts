import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, run } from './command.js'
import { natsConfig } from './config.js'
import { type Program, programOf, type StartableSource } from './program.js'
import { formatVersion } from './source.js'

export type ServerOptions = {
  /** Everything of this server is in here: configuration, log and, in `jetstream`, the data. */
  readonly dir: string
  /** 0, the default: any free port. */
  readonly port?: number
  /** `nats-server.log` in `dir` unless told. */
  readonly logFile?: string
  readonly startTimeoutMs?: number
  readonly stopGraceMs?: number
}

/** A nats-server that this process has started and will stop. */
export type NatsServer = {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly version: string
  readonly logFile: string
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<Exit>
  /** SIGTERM, and SIGKILL if that is not enough; resolves when it has ended. Calling it again is harmless. */
  readonly stop: () => Promise<void>
  /** SIGKILL at once, as a crash would. */
  readonly kill: () => Promise<void>
}

export type Exit = { readonly status: number | null; readonly signal: NodeJS.Signals | null }

export class PortTakenError extends Error {
  readonly port: number

  constructor(port: number) {
    super(
      `NATS port ${port} is taken: another program listens on 127.0.0.1:${port}. Stop that program, choose another port, ` +
        `or, if it is a nats-server with JetStream, use it with --nats nats://127.0.0.1:${port}`,
    )
    this.name = 'PortTakenError'
    this.port = port
  }
}

export class NatsStartError extends Error {
  override readonly name = 'NatsStartError'
}

/** Starts a server with JetStream and resolves when it takes clients. */
export async function startNatsServer(source: StartableSource, options: ServerOptions): Promise<NatsServer> {
  const dir = resolve(options.dir)
  const port = options.port ?? 0
  const logFile = resolve(options.logFile ?? join(dir, 'nats-server.log'))
  const program = await programOf(source, dir, port)
  await prepareFolder(dir, program, source)
  await mkdir(dirname(logFile), { recursive: true })

  const logStart = await stat(logFile).then(
    file => file.size,
    () => 0,
  )
  const child = launch(program, logFile)
  const exited = exitOf(child)
  const stop = stopper(child, exited, program, options.stopGraceMs ?? 5_000)
  try {
    const { address, info } = await whenReady(program, child, exited, options.startTimeoutMs ?? 15_000)
    // Docker opens the port late: until then the greeting may be that of somebody else's server.
    if (info.name !== program.name) throw new PortTakenError(address.port)
    if (!info.jetstream) throw new Error('JetStream is not on')
    return {
      url: `nats://${address.host}:${address.port}`,
      port: address.port,
      pid: child.pid ?? 0,
      version: info.version || formatVersion(source.version),
      logFile,
      exited,
      stop: () => stop('SIGTERM'),
      kill: () => stop('SIGKILL'),
    }
  } catch (error) {
    await stop('SIGTERM')
    throw startError(error, port, logFile, await readFrom(logFile, logStart))
  }
}

async function prepareFolder(dir: string, program: Program, source: StartableSource): Promise<void> {
  const ports = join(dir, 'ports')
  // Process ids come back: a file that a killed server left would be taken for that of the new one.
  await rm(ports, { recursive: true, force: true })
  await mkdir(ports, { recursive: true })
  await mkdir(join(dir, 'jetstream'), { recursive: true })
  const config = natsConfig({
    ...program.listen,
    name: program.name,
    storeDir: join(program.dir, 'jetstream'),
    portsFileDir: join(program.dir, 'ports'),
    version: source.version,
  })
  await writeFile(join(dir, 'nats.conf'), config)
}

function launch(program: Program, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a')
  try {
    // In a process group of its own: Ctrl-C is for us, who stop the server last, after those who need it.
    return spawn(program.command, program.args, { stdio: ['ignore', log, log], detached: true })
  } finally {
    closeSync(log)
  }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  const endWithUs = (): void => void child.kill('SIGTERM')
  process.once('exit', endWithUs)
  return new Promise<Exit>(settle => {
    child.once('exit', (status, signal) => settle({ status, signal }))
    child.once('error', () => settle({ status: null, signal: null }))
  }).finally(() => process.off('exit', endWithUs))
}

async function whenReady(
  program: Program,
  child: ChildProcess,
  exited: Promise<Exit>,
  timeoutMs: number,
): ReturnType<Program['ready']> {
  const giveUp = new AbortController()
  const tooLate = new Error(`it was not ready after ${timeoutMs} ms`)
  const timer = setTimeout(() => giveUp.abort(tooLate), timeoutMs)
  void exited.then(exit =>
    giveUp.abort(new Error(`it ended (${exit.signal ?? `exit status ${exit.status}`})`)),
  )
  try {
    if (child.pid === undefined) throw new Error(`${program.command} cannot be started`)
    return await program.ready(child.pid, giveUp.signal)
  } catch (error) {
    throw giveUp.signal.aborted ? giveUp.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

type Stop = (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>

function stopper(child: ChildProcess, exited: Promise<Exit>, program: Program, graceMs: number): Stop {
  return async signal => {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await exited
    clearTimeout(timer)
    // Killing the docker command, or stopping it too early, leaves its container running.
    if (program.cleanUp) await run(program.cleanUp.command, program.cleanUp.args, { timeoutMs: 10_000 })
  }
}

function startError(error: unknown, port: number, logFile: string, log: string): Error {
  if (error instanceof PortTakenError) return error
  // The first is the server's own word, the others are Docker's.
  if (/address already in use|port is already allocated|ports are not available/i.test(log)) {
    return new PortTakenError(port)
  }
  const lines = log.trim().split('\n').slice(-5)
  const ends = log.trim() === '' ? 'is empty' : `ends with:\n${lines.map(line => `  ${line}`).join('\n')}`
  const reason = messageOf(error)
  return new NatsStartError(`nats-server did not start: ${reason}. Its log ${logFile} ${ends}`, {
    cause: error,
  })
}

async function readFrom(file: string, position: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(Math.max(0, size - position))
    await handle.read(buffer, 0, buffer.length, position)
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}
