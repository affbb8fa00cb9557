/**
 * The smallest framework: takes one offer, runs one task on it, prints what becomes of the task, and ends.
 * Start a cluster with `npm start`, then run `node dist/examples/hello.js`.
 */
import { connect, findCluster, fits, isTerminal, Resources } from '@tender/sdk'

const need = { resources: Resources.parse('cpus:0.1;mem:32') }
const taskId = `hello-${process.pid}`
const { nats, cluster } = findCluster(process.env, process.cwd())
let launched = false

const scheduler = await connect({
  nats,
  cluster,
  framework: { frameworkId: taskId, name: 'hello', roles: ['*'] },

  async offers(offers, scheduler) {
    const offer = launched ? undefined : offers.find(each => fits(each.resources, need))
    await scheduler.decline(offers.filter(each => each !== offer))
    if (!offer) return
    launched = true
    console.log(`launching ${taskId} on agent ${offer.agentId}`)
    const [result] = await scheduler.accept(offer, [
      { taskId, resources: need.resources, shell: 'echo "Hello, world!"; sleep 1' },
    ])
    if (!result?.ok) throw new Error(`the task was refused: ${result?.message}`)
    await scheduler.suppress()
  },

  async update(status, scheduler) {
    console.log(`${status.taskId} is ${status.state}`, status.message ?? '')
    if (isTerminal(status.state)) setImmediate(() => void scheduler.teardown())
  },

  failed(code, message) {
    console.error(`the framework was ended: ${message} (${code})`)
    process.exitCode = 1
  },
})

console.log(`subscribed as ${scheduler.framework.frameworkId}`)
