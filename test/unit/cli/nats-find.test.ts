import { expect } from 'chai'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FindOptions, findNatsServer, firstFound, type Place } from '../../../cli/dev/nats/find.js'
import type { NatsSource } from '../../../cli/dev/nats/source.js'

describe('finding a nats-server', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tender-find-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('takes the first place that has one and does not look further', async () => {
    const looked: string[] = []
    const place = (name: string, found?: NatsSource): Place => ({
      name,
      look: async () => {
        looked.push(name)
        if (!found) throw new Error('nothing here')
        return found
      },
    })
    const cached: NatsSource = { kind: 'binary', path: '/c', version: version(2, 10), origin: 'cache' }

    const source = await firstFound([place('PATH'), place('cache', cached), place('package', cached)])

    expect(source).to.equal(cached)
    expect(looked).to.deep.equal(['PATH', 'cache'])
  })

  it('names every place, in order, with the reason why each had none', async () => {
    const error = await failure(
      firstFound([fails('PATH', 'not in /bin'), fails('image', 'no engine answers')]),
    )

    expect(error.message).to.match(/PATH: not in \/bin\n.*image: no engine answers\n/)
    expect(error.message).to.contain('apt-get install nats-server')
  })

  it('uses a given URL as it is', async () => {
    const source = await findNatsServer(options({ url: 'nats://elsewhere:4222' }))
    expect(source).to.deep.equal({ kind: 'url', url: 'nats://elsewhere:4222' })
  })

  it('refuses a given binary that is none, although PATH has one', async () => {
    await fakeServer('bin', 'v2.10.1')
    const error = await failure(findNatsServer(options({ binary: '/bin/true' })))
    expect(error.message).to.contain('/bin/true does not answer --version as a nats-server does')
  })

  it('prefers what is installed to what is cached', async () => {
    await fakeServer('cache/nats-server', 'v2.11.0')
    await fakeServer('bin', 'v2.10.1')
    const source = await findNatsServer(options({}))
    expect(source).to.deep.include({ path: join(dir, 'bin', 'nats-server'), version: version(2, 10, 1) })
  })

  it('finds the server in a system folder that PATH lacks', async () => {
    await fakeServer('sbin', 'v2.9.10')
    const source = await findNatsServer(options({ systemFolders: [join(dir, 'sbin')] }))
    expect(source).to.deep.include({ path: join(dir, 'sbin', 'nats-server'), version: version(2, 9, 10) })
  })

  it('passes over one that is too old, and says so if there is no other', async () => {
    await fakeServer('bin', 'v2.2.0')
    const error = await failure(findNatsServer(options({})))
    expect(error.message).to.contain('is version 2.2.0, needed is 2.9.0 or later')

    await fakeServer('cache/nats-server', 'v2.11.0')
    const source = await findNatsServer(options({}))
    expect(source).to.deep.include({ origin: 'cache', version: version(2, 11) })
  })

  function options(changes: Partial<FindOptions>): FindOptions {
    const path = join(dir, 'bin')
    const local = { debian: false, image: false, release: false, systemFolders: [] } as const
    return { path, cacheDir: join(dir, 'cache'), log: () => {}, ...local, ...changes }
  }

  async function fakeServer(folder: string, answer: string): Promise<void> {
    const file = join(dir, folder, 'nats-server')
    await mkdir(join(dir, folder), { recursive: true })
    await writeFile(file, `#!/bin/sh\necho "nats-server: ${answer}"\n`)
    await chmod(file, 0o755)
  }
})

function fails(name: string, reason: string): Place {
  return { name, look: () => Promise.reject(new Error(reason)) }
}

function version(major: number, minor: number, patch = 0): { major: number; minor: number; patch: number } {
  return { major, minor, patch }
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    value => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('a failure must be an Error')
  return error
}
