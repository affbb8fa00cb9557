import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { officialRelease, pinnedVersion, type ReleaseOptions } from '../../../cli/dev/nats/release.js'
import type { NatsSource } from '../../../cli/dev/nats/source.js'

const platform = 'linux-amd64'
const name = `nats-server-v${pinnedVersion}-${platform}`

describe('the official release of nats-server', () => {
  let dir: string
  let archive: Buffer
  let server: Server | undefined

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tender-release-'))
    archive = await fakeArchive(dir)
  })

  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
    server = undefined
  })

  after(() => rm(dir, { recursive: true, force: true }))

  it('is unpacked into the cache when its checksum is the pinned one', async () => {
    const baseUrl = await serve((request, response) => {
      expect(request.url).to.equal(`/v${pinnedVersion}/${name}.tar.gz`)
      response.end(archive)
    })
    const source = await fetchRelease({ baseUrl, checksums: { [platform]: sha256(archive) } })
    expect(source).to.deep.include({ kind: 'binary', path: join(dir, 'kept', 'nats-server', 'nats-server') })
    expect(await readdir(join(dir, 'kept'))).to.deep.equal(['nats-server'])
  })

  it('is refused, and nothing is kept, when its checksum is another', async () => {
    const baseUrl = await serve((_request, response) => response.end(archive))
    const wanted = '0'.repeat(64)
    const reason = await refusal({ baseUrl, checksums: { [platform]: wanted } }, 'mismatch')
    expect(reason).to.contain(`has SHA-256 ${sha256(archive)}, expected ${wanted}: refused`)
    expect(await readdir(dir)).not.to.contain('mismatch')
  })

  it('follows a redirect, as GitHub answers with one', async () => {
    const baseUrl = await serve((request, response) => {
      if (request.url === '/elsewhere') return response.end(archive)
      return response.writeHead(302, { location: '/elsewhere' }).end()
    })
    const source = await fetchRelease({ baseUrl, checksums: { [platform]: sha256(archive) } })
    expect(source.kind).to.equal('binary')
  })

  it('is given up within the time limit when the answer stalls', async () => {
    const baseUrl = await serve((_request, response) => response.write('a beginning'))
    const reason = await refusal({ baseUrl, checksums: { [platform]: sha256(archive) }, timeoutMs: 200 })
    expect(reason).to.contain('not done within 200 ms')
  })

  it('says what the server answered when it has no such file', async () => {
    const baseUrl = await serve((_request, response) => response.writeHead(404).end())
    const reason = await refusal({ baseUrl, checksums: { [platform]: sha256(archive) } })
    expect(reason).to.match(/cannot be fetched: 127\.0\.0\.1:\d+ answered 404/)
  })

  it('is not fetched for a platform without a pinned checksum', async () => {
    expect(await refusal({ platform: 'plan9-mips' })).to.contain('no checksum for plan9-mips')
  })

  function fetchRelease(options: ReleaseOptions, cache = 'kept'): Promise<NatsSource> {
    return officialRelease({ cacheDir: join(dir, cache), log: () => {} }, { platform, ...options })
  }

  async function refusal(options: ReleaseOptions, cache = 'refused'): Promise<string> {
    return fetchRelease(options, cache).then(
      () => 'was not refused',
      (error: Error) => error.message,
    )
  }

  async function serve(listener: RequestListener): Promise<string> {
    const listening = createServer(listener)
    server = listening
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
    const address = listening.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }
})

/** An archive as the maintainers make it, with a script in the place of the server. */
async function fakeArchive(dir: string): Promise<Buffer> {
  const folder = join(dir, name)
  await mkdir(folder)
  await writeFile(join(folder, 'nats-server'), `#!/bin/sh\necho "nats-server: v${pinnedVersion}"\n`)
  await chmod(join(folder, 'nats-server'), 0o755)
  const file = join(dir, 'archive.tar.gz')
  await promisify(execFile)('tar', ['-czf', file, '-C', dir, name])
  return readFile(file)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
