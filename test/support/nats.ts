import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  findNatsServer,
  type NatsServer,
  type StartableSource,
  startNatsServer,
  tenderCacheDir,
} from '../../cli/dev/nats/index.js'

/** A nats-server for one test or one `describe`, with JetStream and data of its own. */
export class TestNats {
  #server: NatsServer
  readonly #dir: string

  private constructor(server: NatsServer, dir: string) {
    this.#server = server
    this.#dir = dir
  }

  static async create(): Promise<TestNats> {
    const dir = await mkdtemp(join(tmpdir(), 'tender-nats-'))
    return new TestNats(await startNatsServer(await natsBinary(), { dir }), dir)
  }

  get url(): string {
    return this.#server.url
  }

  get pid(): number {
    return this.#server.pid
  }

  /** Stops the server and keeps port and data, for a `start` after it. */
  stop(): Promise<void> {
    return this.#server.stop()
  }

  /** Ends the server as a crash would. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Starts it again, on the same port and with the same data. */
  async start(): Promise<void> {
    this.#server = await startNatsServer(await natsBinary(), { dir: this.#dir, port: this.#server.port })
  }

  async dispose(): Promise<void> {
    await this.#server.stop()
    await rm(this.#dir, { recursive: true, force: true })
  }
}

export function startNats(): Promise<TestNats> {
  return TestNats.create()
}

/**
 * A nats-server for the whole of a `describe`: `const nats = useNats()`, and in a test `nats().url`. Starting one takes
 * about 50 ms, so tests need not share one.
 */
export function useNats(): () => TestNats {
  let server: TestNats | undefined
  before('start nats-server', async () => {
    server = await startNats()
  })
  after('stop nats-server', async () => {
    await server?.dispose()
    server = undefined
  })
  return () => {
    if (!server) throw new Error('useNats() has a server only while the tests of its describe run')
    return server
  }
}

let found: Promise<StartableSource> | undefined

/** The binary that `npm test` has found; without it, as when mocha is run directly, it is looked for here. */
export function natsBinary(): Promise<StartableSource> {
  found ??= findBinary()
  return found
}

async function findBinary(): Promise<StartableSource> {
  const source = await findNatsServer({
    binary: process.env['TENDER_TEST_NATS_SERVER'],
    path: process.env['PATH'] ?? '',
    cacheDir: tenderCacheDir(process.env, homedir()),
    image: false,
    log: console.log,
  })
  if (source.kind === 'url') throw new Error('tests start their own nats-server')
  return source
}
