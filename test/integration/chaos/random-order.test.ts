import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '@tender/sdk/testing'
import { after, before, describe, it } from 'mocha'
import { ChaosCluster } from '../../support/chaos/chaos-cluster.js'
import { type Fault, faultsOf, healAll, oneOf, someFaults } from '../../support/chaos/faults.js'
import { promisesHold } from '../../support/chaos/promises.js'
import { chaosNetwork } from '../../support/chaos/require.js'
import { requireEngine } from '../../support/engine.js'

const rounds = Number(process.env['TENDER_CHAOS_ROUNDS'] ?? 8)
const seed = Number(process.env['TENDER_CHAOS_SEED'] ?? Math.floor(Math.random() * 1_000_000))
/** Most faults are over before anybody has drawn conclusions; some outlast the 10 s of an agent's silence. */
const shortMs = 2_500
const longMs = 11_000
const longShare = 0.1

describe(`chaos: ${rounds} faults in random order (TENDER_CHAOS_SEED=${seed})`, function () {
  this.timeout(120_000)
  const random = new SeededRandom(seed)
  let cluster: ChaosCluster
  let taskCount = 0
  let hasFailed = false

  before(async function () {
    const engine = await requireEngine(this)
    cluster = await ChaosCluster.start({ engine, network: await chaosNetwork() })
    await cluster.deploy('web', 4)
    for (const agentId of cluster.agentIds) await cluster.witness.launch(agentId, ...newTasks(2))
    await promisesHold(cluster)
  })

  after(async () => {
    await cluster?.dispose()
  })

  const newTasks = (count: number) => Array.from({ length: count }, () => `task-${++taskCount}`)

  /** Some of the witness' running tasks. */
  const someRunning = async (count: number) => {
    const running = await cluster.ledger.running()
    const own = running.filter(
      task => task.frameworkId === 'witness' && !cluster.witness.killed.has(task.taskId),
    )
    return own
      .map(({ taskId }) => ({ taskId, lot: random.next() }))
      .toSorted((a, b) => a.lot - b.lot)
      .slice(0, count)
      .map(({ taskId }) => taskId)
  }

  /** What goes on while the faults last: tasks end, one is killed, others are launched. */
  const life = async (): Promise<Promise<void>[]> => {
    const [killed, ...ending] = await someRunning(3)
    const orders = [cluster.witness.order(oneOf(cluster.agentIds, random), ...newTasks(3))]
    if (killed !== undefined) orders.push(cluster.witness.kill(killed))
    for (const taskId of ending) await cluster.end(taskId, Math.floor(random.next() * 4))
    return orders
  }

  const play = async (faults: readonly Fault[]) => {
    const before = await cluster.ledger.running()
    const durationMs = random.next() < longShare ? longMs : random.next() * shortMs
    // Under way when it happens, or only begun while it lasts.
    const early = random.next() < 0.5 ? await life() : []
    for (const fault of faults) await fault.strike()
    const late = early.length > 0 ? [] : await life()
    await delay(durationMs)
    await healAll(faults)
    await Promise.all([...early, ...late])
    await promisesHold(cluster, before)
  }

  for (let round = 1; round <= rounds; round++) {
    it(`round ${round}`, async function () {
      // What follows a broken promise proves nothing.
      if (hasFailed) return this.skip()
      const faults = someFaults(faultsOf(cluster), random)
      const test = this.test as Mocha.Runnable
      test.title += `: ${faults.map(({ name }) => name).join(', ')}`
      hasFailed = true
      await play(faults)
      hasFailed = false
    })
  }
})
