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
/** In how many rounds an instance of the app dies too. */
const instanceShare = 0.4
/** From an order to its container: whoever dies then has it half done. */
const launchMs = 300

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

  const inRandomOrder = <T>(list: readonly T[]) =>
    list
      .map(item => ({ item, lot: random.next() }))
      .toSorted((a, b) => a.lot - b.lot)
      .map(({ item }) => item)

  /** What goes on while the faults last: tasks end, one is killed, an instance dies, others are launched. */
  const life = async (): Promise<{ readonly orders: Promise<unknown> }> => {
    const running = inRandomOrder(await cluster.ledger.running()).filter(task => !cluster.isToEnd(task))
    const instances = running.filter(({ frameworkId }) => frameworkId === 'service')
    const [killed, ...others] = running.filter(({ frameworkId }) => frameworkId === 'witness')
    if (instances[0] && random.next() < instanceShare) await cluster.killContainer(instances[0])
    for (const { taskId } of others.slice(0, 2)) await cluster.end(taskId, Math.floor(random.next() * 4))
    const orders = Promise.all([
      cluster.witness.order(oneOf(cluster.agentIds, random), ...newTasks(3)),
      ...(killed ? [cluster.witness.kill(killed.taskId)] : []),
    ])
    // What has failed is seen when the faults are healed.
    orders.catch(() => {})
    return { orders }
  }

  const play = async (faults: readonly Fault[]) => {
    const before = await cluster.ledger.running()
    const durationMs = random.next() < longShare ? longMs : random.next() * shortMs
    // Under way when it happens, or only begun while it lasts.
    const early = random.next() < 0.5 ? await life() : undefined
    if (early) await delay(random.next() * launchMs)
    for (const fault of faults) await fault.strike()
    const { orders } = early ?? (await life())
    await delay(durationMs)
    await healAll(faults)
    await orders
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
