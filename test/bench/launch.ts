import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, isTerminal, type Offer, type TaskStatus } from '@tender/sdk'
import { connectEngine } from '../../agent/containerizer/docker/engine.js'
import { removeLabelled } from '../../agent/containerizer/docker/remove-labelled.js'
import { buildExampleImage } from '../../cli/dev/example-image.js'
import { EngineTap } from '../support/engine-tap.js'
import { startNats } from '../support/nats.js'
import { BenchPart } from './parts.js'
import { untilQuiet } from './until-quiet.js'
import { type Measured, quantiles } from './report.js'

const image = 'tender/hello-web'
const server = fileURLToPath(new URL('../../../examples/web/server.mjs', import.meta.url))
const cluster = 'bench-launch'
const rounds = 40

/** From a framework's accept to the agent's first call to the engine, on an idle cluster of real processes. */
export async function benchLaunch(): Promise<Measured[]> {
  const engine = await connectEngine({ host: process.env.DOCKER_HOST })
  if (!engine) throw new Error('the launch benchmark needs a docker engine')
  await buildExampleImage(engine, image, server)
  const [nats, tap, workDir] = [
    await startNats(),
    await EngineTap.listen(),
    await mkdtemp(join(tmpdir(), 'tender-bench-')),
  ]
  const master = new BenchPart(['master', '--nats', nats.url, '--cluster', cluster, '--port', '0'])
  const agent = new BenchPart([
    ...['agent', '--nats', nats.url, '--cluster', cluster, '--work-dir', workDir, '--hostname', '127.0.0.1'],
    ...[
      '--log-format',
      'json',
      '--resources',
      'cpus:2;mem:4096;ports:[31000-31100]',
      '--docker-host',
      tap.host,
      '--containerizers',
      'docker',
    ],
  ])
  try {
    await agent.says(/registered with the leader/)
    const toStart: number[] = []
    const toCreate: number[] = []
    const toRunning: number[] = []
    const cycle = await Cycle.connect(nats.url)
    for (let round = 0; round < rounds; round++) {
      const offer = await cycle.offer()
      const create = tap.next(path => path.includes('/containers/create'))
      const [startedMs, startedAtMs] = [performance.now(), performance.timeOrigin + performance.now()]
      const taskId = `bench-${round}`
      const running = cycle.state(taskId, state => state === 'RUNNING')
      await cycle.scheduler.accept(offer, [{ taskId, resources: 'cpus:0.1;mem:64', container: { image } }], {
        refuseMs: 0,
      })
      toCreate.push((await create).atMs - startedMs)
      await running
      toRunning.push(performance.now() - startedMs)
      toStart.push(agent.loggedAtMs('launching task', taskId) - startedAtMs)
      const ended = cycle.state(taskId, isTerminal)
      await cycle.scheduler.kill(taskId, { graceMs: 0 })
      await ended
      await untilQuiet(engine.docker, cluster)
    }
    await cycle.scheduler.teardown()
    const [start, create, running] = [toStart, toCreate, toRunning].map(times => quantiles(times.slice(5)))
    if (!start || !create || !running) throw new Error('nothing was measured')
    return [
      {
        what: `accept to the agent's call that starts the container (its log, to 1 ms), ${rounds - 5} launches one by one`,
        measured: `p50 ${start.p50.toFixed(2)} ms, p99 ${start.p99.toFixed(2)} ms`,
        target: 'p50 under 5 ms',
        holds: start.p50 < 5,
      },
      {
        what: "accept to the engine's first request for it, the same launches",
        measured: `p50 ${create.p50.toFixed(2)} ms, p99 ${create.p99.toFixed(2)} ms`,
      },
      {
        what: 'accept to RUNNING at the framework, the same launches',
        measured: `p50 ${running.p50.toFixed(0)} ms, p99 ${running.p99.toFixed(0)} ms`,
      },
    ]
  } finally {
    await agent.stop()
    await master.stop()
    tap.close()
    await nats.dispose()
    await removeLabelled(engine.docker, cluster)
    await rm(workDir, { recursive: true, force: true })
  }
}

/** A framework that waits for one thing at a time. */
class Cycle {
  scheduler!: Awaited<ReturnType<typeof connect>>
  readonly #offers: Offer[] = []
  #wantsOffer: ((offer: Offer) => void) | undefined
  readonly #wantsState = new Map<
    string,
    { is: (state: TaskStatus['state']) => boolean; resolve: () => void }
  >()

  static async connect(nats: string): Promise<Cycle> {
    const cycle = new Cycle()
    cycle.scheduler = await connect({
      nats,
      cluster,
      framework: { frameworkId: 'bench', name: 'bench', roles: ['*'] },
      offers: offers => {
        cycle.#offers.push(...offers)
        cycle.#give()
      },
      rescinded: ids => {
        const kept = cycle.#offers.filter(offer => !ids.includes(offer.offerId))
        cycle.#offers.splice(0, cycle.#offers.length, ...kept)
      },
      update: ({ taskId, state }) => {
        const wanted = cycle.#wantsState.get(taskId)
        if (wanted?.is(state)) wanted.resolve()
      },
    })
    return cycle
  }

  /** All that is offered comes as one piece once nothing runs; pieces of before are given back. */
  async offer(): Promise<Offer> {
    for (;;) {
      const offer = await new Promise<Offer>(resolve => {
        this.#wantsOffer = resolve
        this.#give()
      })
      if (offer.resources.scalar('cpus') === 2) return offer
      await this.scheduler.decline([offer, ...this.#offers.splice(0)], { refuseMs: 0 })
    }
  }

  async state(taskId: string, is: (state: TaskStatus['state']) => boolean): Promise<void> {
    await new Promise<void>(resolve => this.#wantsState.set(taskId, { is, resolve }))
  }

  #give(): void {
    const wants = this.#wantsOffer
    const offer = wants && this.#offers.shift()
    if (!wants || !offer) return
    this.#wantsOffer = undefined
    wants(offer)
  }
}
