import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, realpath, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { pack, type Pack } from 'tar-stream'
import type { EngineConnection } from '../../agent/containerizer/docker/engine.js'

const hashLabel = 'tender.example.hash'

/**
 * Makes the image of the example service of what is at hand, since a registry may be out of reach: the node program
 * that runs this, the libraries that it needs, and the service. Linux only.
 */
export async function buildExampleImage(
  { docker }: EngineConnection,
  image: string,
  server: string,
): Promise<void> {
  const node = await realpath(process.execPath)
  const hash = createHash('sha256')
    .update(process.version)
    .update(node)
    .update(await readFile(server))
    .digest('hex')
  const present = await docker
    .getImage(image)
    .inspect()
    .catch(() => undefined)
  if (present?.Config.Labels?.[hashLabel] === hash) return
  const tar = pack()
  const filled = fill(tar, node, server)
  const [repo, tag = 'latest'] = image.split(':')
  const changes = [
    `CMD ["/usr/local/bin/node", "/app/server.mjs"]`,
    `LABEL ${hashLabel}=${hash}`,
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
  ]
  const answer = await docker.importImage(tar as unknown as NodeJS.ReadableStream, { repo, tag, changes })
  await new Promise((resolve, reject) => {
    docker.modem.followProgress(answer, (error: Error | null) => (error ? reject(error) : resolve(undefined)))
  })
  await filled
}

async function fill(tar: Pack, node: string, server: string): Promise<void> {
  for (const library of await librariesOf(node)) await add(tar, library, library)
  await add(tar, node, '/usr/local/bin/node')
  await add(tar, server, '/app/server.mjs')
  tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777 })
  tar.finalize()
}

async function add(tar: Pack, path: string, name: string): Promise<void> {
  const { size, mode } = await stat(path)
  const entry = tar.entry({ name: name.replace(/^\//, ''), size, mode: mode & 0o777 })
  await pipeline(createReadStream(path), entry)
}

/** `ldd` names the shared libraries with their paths, the loader among them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }))
  return [...new Set([...stdout.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(match => match[1] ?? ''))].filter(
    Boolean,
  )
}
