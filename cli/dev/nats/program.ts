import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { join } from 'node:path'
import { type Address, awaitInfo, type NatsInfo, portOf, readInfo } from './ready.js'
import type { NatsSource } from './source.js'

export type StartableSource = Exclude<NatsSource, { kind: 'url' }>

/** How one kind of source is started, seen to be ready, and ended when it does not stop by itself. */
export type Program = {
  /** The server's name, by which its greeting is told from that of another one on the same port. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** What the configuration has to say, as seen from inside the program. */
  readonly listen: Address
  readonly dir: string
  readonly ready: (
    pid: number,
    signal: AbortSignal,
  ) => Promise<{ readonly address: Address; readonly info: NatsInfo }>
  /** Run after the process has ended, for what may be left of it. */
  readonly cleanUp?: { readonly command: string; readonly args: readonly string[] }
}

const host = '127.0.0.1'

export async function programOf(source: StartableSource, dir: string, port: number): Promise<Program> {
  const name = `tender-nats-${randomBytes(4).toString('hex')}`
  return source.kind === 'binary'
    ? binaryProgram(source.path, name, dir, port)
    : imageProgram(source, name, dir, port)
}

function binaryProgram(path: string, name: string, dir: string, port: number): Program {
  return {
    name,
    command: path,
    args: ['-c', join(dir, 'nats.conf')],
    listen: { host, port },
    dir,
    ready: async (pid, signal) => {
      const address = { host, port: await portOf(pid, join(dir, 'ports'), signal) }
      return { address, info: await readInfo(address, signal) }
    },
  }
}

/**
 * A container in the foreground: the docker command passes SIGTERM on and ends with it. The port is mapped rather than
 * the host's network used, because Docker on a Mac has another host.
 */
async function imageProgram(
  source: StartableSource & { kind: 'image' },
  name: string,
  dir: string,
  port: number,
): Promise<Program> {
  const address = { host, port: port === 0 ? await freePort() : port }
  const user = process.getuid && process.getgid ? ['--user', `${process.getuid()}:${process.getgid()}`] : []
  const mapping = ['--publish', `${host}:${address.port}:4222`, '--volume', `${dir}:/tender`]
  return {
    name,
    command: source.docker,
    args: ['run', '--rm', '--name', name, ...user, ...mapping, source.image, '-c', '/tender/nats.conf'],
    listen: { host: '0.0.0.0', port: 4222 },
    dir: '/tender',
    ready: async (_pid, signal) => ({ address, info: await awaitInfo(address, signal) }),
    cleanUp: { command: source.docker, args: ['rm', '--force', name] },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
