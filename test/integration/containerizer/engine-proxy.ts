import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type Dockerode from 'dockerode'
import {
  connectEngine,
  engineAddress,
  type EngineConnection,
} from '../../../agent/containerizer/docker/engine.js'

/** Stands between a containerizer and the engine, and can be away, as an engine is that is being restarted. */
export class EngineProxy {
  readonly docker: Dockerode
  readonly #server: Server
  readonly #sockets: Set<Socket>
  readonly #port: number

  private constructor(server: Server, sockets: Set<Socket>, port: number, { docker }: EngineConnection) {
    this.#server = server
    this.#sockets = sockets
    this.#port = port
    this.docker = docker
  }

  static async listen(): Promise<EngineProxy> {
    const sockets = new Set<Socket>()
    const server = createServer(inner => {
      const outer = connectToEngine()
      for (const [from, to] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy()).on('close', () => to.destroy())
      }
    })
    const port = await listening(server, 0)
    const connection = await connectEngine({ host: `tcp://127.0.0.1:${port}` })
    if (!connection) throw new Error('the engine does not answer through the proxy')
    return new EngineProxy(server, sockets, port, connection)
  }

  /** Breaks all connections and takes no new ones. */
  async away(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await once(this.#server, 'close')
  }

  async back(): Promise<void> {
    await listening(this.#server, this.#port)
  }
}

function connectToEngine(): Socket {
  const { socketPath, host, port } = engineAddress({ host: process.env['DOCKER_HOST'] })
  if (host !== undefined) return connect(Number(port), host)
  return connect(socketPath ?? '/var/run/docker.sock')
}

async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
