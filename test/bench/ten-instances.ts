import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type Dockerode from 'dockerode'
import { connectEngine } from '../../agent/containerizer/docker/engine.js'
import { ensureNetwork } from '../../agent/containerizer/docker/network.js'
import { removeContainer, removeLabelled } from '../../agent/containerizer/docker/remove-labelled.js'
import { buildExampleImage } from '../../cli/dev/example-image.js'
import { startNats } from '../support/nats.js'
import { BenchPart } from './parts.js'
import { type Measured, quantiles } from './report.js'
import { untilQuiet } from './until-quiet.js'

const image = 'tender/hello-web'
const examples = fileURLToPath(new URL('../../../examples/web', import.meta.url))
const cluster = 'bench-ten'
const instances = 10
/** As many starts at a time as an agent allows itself on two cores. */
const concurrency = 4
const rounds = 7

/** Ten instances by the service framework, and the same ten by dockerode, turn by turn. */
export async function benchTenInstances(): Promise<Measured[]> {
  const engine = await connectEngine({ host: process.env.DOCKER_HOST })
  if (!engine) throw new Error('this benchmark needs a docker engine')
  await buildExampleImage(engine, image, join(examples, 'server.mjs'))
  const [nats, workDir] = [await startNats(), await mkdtemp(join(tmpdir(), 'tender-bench-'))]
  const where = ['--nats', nats.url, '--cluster', cluster]
  const master = new BenchPart(['master', ...where, '--port', '0'])
  const resources = 'cpus:2;mem:4096;ports:[31000-31100]'
  const agent = new BenchPart([
    ...['agent', ...where, '--work-dir', workDir, '--hostname', '127.0.0.1', '--resources', resources],
    ...['--containerizers', 'docker', '--stop-tasks'],
  ])
  const service = new BenchPart(['service', ...where, '--port', '0'])
  try {
    await agent.says(/registered with the leader/)
    const url = await service.says(/answers at (http:\S+)/)
    const [ours, direct]: [number[], number[]] = [[], []]
    for (let round = 0; round <= rounds; round++) {
      const one = await byTender(url)
      await untilQuiet(engine.docker, cluster)
      const other = await byDockerode(engine.docker)
      await untilQuiet(engine.docker, cluster)
      // The first round warms both up.
      if (round === 0) continue
      ours.push(one)
      direct.push(other)
    }
    const ratio = quantiles(ours.map((time, index) => time / (direct[index] ?? Number.NaN))).p50
    const text = (times: number[]) => `${(quantiles(times).p50 / 1000).toFixed(2)} s`
    return [
      {
        what: `${instances} instances running, against dockerode with ${concurrency} starts at a time, ${rounds} pairs`,
        measured: `${text(ours)} against ${text(direct)}, median ratio ${ratio.toFixed(2)}`,
        target: 'ratio at most 1.15',
        holds: ratio <= 1.15,
      },
    ]
  } finally {
    await service.stop()
    await agent.stop()
    await master.stop()
    await nats.dispose()
    await removeLabelled(engine.docker, cluster)
    await rm(workDir, { recursive: true, force: true })
  }
}

/** From the PUT to the tenth RUNNING, as the service framework's API tells it. */
async function byTender(service: string): Promise<number> {
  const app = JSON.parse(await readFile(join(examples, 'app.json'), 'utf8')) as object
  const url = `${service}/v2/apps/hello-web`
  const startedMs = performance.now()
  const body = JSON.stringify({ ...app, instances })
  await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'application/json' } })
  await poll(async () => {
    const { app: now } = (await (await fetch(url)).json()) as { app: { tasksRunning: number } }
    return now.tasksRunning === instances
  })
  const tookMs = performance.now() - startedMs
  await fetch(url, { method: 'DELETE' })
  await poll(async () => (await fetch(url)).status === 404)
  return tookMs
}

/** Create and start, with the same limits, network, ports and Init. */
async function byDockerode(docker: Dockerode): Promise<number> {
  const network = await ensureNetwork(docker, cluster)
  const startedMs = performance.now()
  const started: Dockerode.Container[] = []
  let next = 0
  const starter = async () => {
    while (next < instances) {
      const port = 31_500 + next++
      const container = await docker.createContainer({
        Image: image,
        Env: ['TENDER_TASK_ID=direct'],
        Labels: { 'tender.cluster': cluster },
        ExposedPorts: { '8080/tcp': {} },
        HostConfig: {
          NetworkMode: network,
          PortBindings: { '8080/tcp': [{ HostPort: String(port) }] },
          NanoCpus: 100_000_000,
          CpuShares: 102,
          Memory: 64 * 2 ** 20,
          MemorySwap: 64 * 2 ** 20,
          Init: true,
        },
      })
      await container.start()
      started.push(container)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, starter))
  const tookMs = performance.now() - startedMs
  await Promise.all(started.map(removeContainer))
  return tookMs
}

async function poll(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setTimeout(resolve, 10))
}
