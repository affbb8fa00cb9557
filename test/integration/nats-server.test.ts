import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'nats'
import { findExecutable, foldersOfPath, run } from '../../cli/dev/nats/command.js'
import { debianPackage } from '../../cli/dev/nats/debian.js'
import { dockerImage } from '../../cli/dev/nats/image.js'
import { readInfo } from '../../cli/dev/nats/ready.js'
import { type NatsServer, PortTakenError, startNatsServer } from '../../cli/dev/nats/server.js'
import type { StartableSource } from '../../cli/dev/nats/program.js'
import { natsBinary, useNats } from '../support/nats.js'

const folders = [...foldersOfPath(process.env['PATH'] ?? ''), '/usr/sbin', '/usr/bin', '/bin']

describe('a nats-server that Tender starts', () => {
  let dir: string
  const started: NatsServer[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tender-server-'))
  })

  afterEach(() => Promise.all(started.splice(0).map(server => server.stop())))

  after(() => rm(dir, { recursive: true, force: true }))

  it('takes clients on a free port with JetStream on, and is gone after stop', async () => {
    const server = await start(await natsBinary(), 'one')
    const address = { host: '127.0.0.1', port: server.port }
    const info = await readInfo(address, AbortSignal.timeout(2_000))
    expect(info).to.deep.include({ jetstream: true, version: server.version })
    expect(process.kill(server.pid, 0)).to.equal(true)

    await server.stop()
    await server.stop()

    expect(() => process.kill(server.pid, 0)).to.throw('ESRCH')
    expect(
      await readInfo(address, AbortSignal.timeout(2_000)).catch((error: Error) => error.message),
    ).to.contain('ECONNREFUSED')
  })

  it('names the port that is taken and what can be done', async () => {
    const { port } = await start(await natsBinary(), 'first')
    const error = await failure(start(await natsBinary(), 'second', port))
    expect(error).to.be.instanceOf(PortTakenError)
    expect(error.message).to.contain(`NATS port ${port} is taken`)
    expect(error.message).to.contain(`--nats nats://127.0.0.1:${port}`)
  })

  it('shows the end of the log when the server does not start', async () => {
    const source: StartableSource = {
      kind: 'binary',
      path: '/bin/cat',
      version: { major: 2, minor: 10, patch: 0 },
      origin: 'test',
    }
    const error = await failure(start(source, 'broken'))
    expect(error.message).to.match(/nats-server did not start: it ended \(exit status \d\)/)
    expect(error.message).to.contain(join(dir, 'broken', 'nats-server.log'))
    expect(error.message).to.contain('invalid option')
  })

  it('says when the program is not there', async () => {
    const source: StartableSource = {
      kind: 'binary',
      path: '/no/such/server',
      version: { major: 2, minor: 10, patch: 0 },
      origin: 'test',
    }
    const error = await failure(start(source, 'absent'))
    expect(error.message).to.contain('/no/such/server cannot be started')
  })

  it("can be Debian's package, unpacked without root's rights and with package lists of our own", async function () {
    if (!(await findExecutable('apt-get', folders))) this.skip()
    this.timeout(180_000)
    const around = { cacheDir: join(dir, 'cache'), folders, log: () => {} }
    const source = await debianPackage(around, { systemLists: false })
    if (source.kind === 'url') throw new Error('a package is no URL')
    const server = await start(source, 'debian')
    expect(source).to.deep.include({ path: join(dir, 'cache', 'nats-server', 'nats-server') })
    expect(server.version).to.match(/^2\./)
  })

  it('can be a Docker image', async function () {
    const docker = await findExecutable('docker', folders)
    if (!docker || !(await run(docker, ['version'], { timeoutMs: 5_000 })).ok) this.skip()
    this.timeout(60_000)
    const image = 'tender-test-nats:local'
    await importImage(docker, image)
    try {
      const source = await dockerImage({ folders, log: () => {} }, { image })
      if (source.kind !== 'image') throw new Error('expected an image')
      expect(source.version).to.deep.equal({ major: 2, minor: 9, patch: 0 })
      const server = await start(source, 'image')
      expect(await failure(start(source, 'same port', server.port))).to.be.instanceOf(PortTakenError)

      await server.kill()
      const left = await run(docker, ['ps', '--all', '--quiet', '--filter', `ancestor=${image}`], {
        timeoutMs: 5_000,
      })
      expect(left.stdout).to.equal('')
    } finally {
      await run(docker, ['rmi', '--force', image], { timeoutMs: 20_000 })
    }
  })

  async function start(source: StartableSource, name: string, port = 0): Promise<NatsServer> {
    const server = await startNatsServer(source, { dir: join(dir, name), port })
    started.push(server)
    return server
  }
})

describe('the nats-server of the tests', () => {
  const nats = useNats()

  it('keeps port and data over a crash and a restart', async () => {
    const before = nats().url
    await put('survives', 'yes')
    await nats().kill()
    await nats().start()
    expect(nats().url).to.equal(before)
    expect(await get('survives')).to.equal('yes')
  })

  async function put(key: string, value: string): Promise<void> {
    const client = await connect({ servers: nats().url })
    const bucket = await client.jetstream().views.kv('test')
    await bucket.put(key, value)
    await client.close()
  }

  async function get(key: string): Promise<string | undefined> {
    const client = await connect({ servers: nats().url })
    const bucket = await client.jetstream().views.kv('test')
    const entry = await bucket.get(key)
    await client.close()
    return entry?.string()
  }
})

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('expected a failure'),
    (error: Error) => error,
  )
}

/** An image of the server that this machine has: a registry may be out of reach. */
async function importImage(docker: string, image: string): Promise<void> {
  const source = await natsBinary()
  const binary = source.kind === 'binary' ? source.path : ''
  const script = [
    `libraries=$(ldd '${binary}' | grep -o '/[^ ]*' || true)`,
    `tar --create --dereference --file - '${binary}' $libraries 2>/dev/null`,
  ].join('; ')
  const entry = `ENTRYPOINT ["${binary}"]`
  const made = await run(
    'sh',
    [
      '-c',
      `(${script}) | '${docker}' import --change '${entry}' --change 'ENV NATS_SERVER=2.9.0' - ${image}`,
    ],
    { timeoutMs: 30_000 },
  )
  if (!made.ok) throw new Error(made.stderr)
}
