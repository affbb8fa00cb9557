import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineAddress } from '../../agent/containerizer/docker/engine.js'

/** One request that went to the engine, and when, on this process's clock. */
export interface EngineCall {
  readonly path: string
  readonly atMs: number
}

/** Lets all requests through to the engine and notes the first line of each POST: what an agent asks, and when. */
export class EngineTap {
  readonly calls: EngineCall[] = []
  readonly #server: Server
  readonly #path = join(tmpdir(), `tender-tap-${randomUUID()}.sock`)
  readonly #waiting: { matches: (path: string) => boolean; resolve: (call: EngineCall) => void }[] = []

  private constructor() {
    this.#server = createServer(socket => this.#join(socket))
  }

  static async listen(): Promise<EngineTap> {
    const tap = new EngineTap()
    tap.#server.listen(tap.#path)
    await once(tap.#server, 'listening')
    return tap
  }

  /** For `--docker-host`. */
  get host(): string {
    return `unix://${this.#path}`
  }

  /** The next request whose path matches. */
  async next(matches: (path: string) => boolean): Promise<EngineCall> {
    return await new Promise(resolve => this.#waiting.push({ matches, resolve }))
  }

  close(): void {
    this.#server.close()
  }

  #join(inner: Socket): void {
    const { socketPath, host, port } = engineAddress({ host: process.env.DOCKER_HOST })
    const outer =
      host === undefined ? connect(socketPath ?? '/var/run/docker.sock') : connect(Number(port), host)
    inner.on('data', (data: Buffer) => this.#note(data))
    inner.pipe(outer).pipe(inner)
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  }

  /** A request's head is written at once, so it begins a piece of data. */
  #note(data: Buffer): void {
    const path = /^POST ([^ ?]+)/.exec(data.subarray(0, 65_536).toString('latin1'))?.[1]
    if (path === undefined) return
    const call = { path, atMs: performance.now() }
    this.calls.push(call)
    const index = this.#waiting.findIndex(({ matches }) => matches(path))
    if (index >= 0) this.#waiting.splice(index, 1)[0]?.resolve(call)
  }
}
