import { readFile } from 'node:fs/promises'
import type Dockerode from 'dockerode'
import type { Context } from 'mocha'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { hasImage } from '../../agent/containerizer/docker/image.js'
import { connectEngine, type EngineConnection } from '../../agent/containerizer/docker/engine.js'

/** An image without a registry: one static busybox and links to it. */
export const busyboxImage = 'tender-test/busybox:latest'

const applets = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'env',
  'true',
  'kill',
  'head',
  'nc',
  'tail',
  'seq',
  'touch',
  'ls',
]

let connection: Promise<EngineConnection | undefined> | undefined

/** The docker engine for the tests, or undefined where none answers. */
export function testEngine(): Promise<EngineConnection | undefined> {
  connection ??= connectEngine({ host: process.env['DOCKER_HOST'] })
  return connection
}

/** The docker engine, with the test image. Skips the test where none answers; in CI that is a failure. */
export async function requireEngine(context: Context): Promise<EngineConnection> {
  const engine = await testEngine()
  if (!engine && process.env['CI'] === 'true')
    throw new Error('CI=true needs a docker engine, and none answers')
  if (!engine) return context.skip()
  await importBusybox(engine.docker)
  return engine
}

let imported: Promise<void> | undefined

function importBusybox(docker: Dockerode): Promise<void> {
  imported ??= importBusyboxInto(docker)
  return imported
}

/** The test image, into any engine. */
export async function importBusyboxInto(docker: Dockerode): Promise<void> {
  // Another import would leave this one behind without a name.
  if (await hasImage(docker, busyboxImage)) return
  const tar = pack()
  tar.entry(
    { name: 'bin/busybox', mode: 0o755 },
    await readFile(process.env['TENDER_TEST_BUSYBOX'] ?? '/bin/busybox'),
  )
  for (const name of applets) tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' })
  tar.entry({ name: 'tmp/', type: 'directory', mode: 0o1777 })
  tar.finalize()
  const [repo = '', tag = ''] = busyboxImage.split(':')
  const stream = await docker.importImage(Readable.from(tar), { repo, tag })
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, error => (error ? reject(error) : resolve()))
  })
}
