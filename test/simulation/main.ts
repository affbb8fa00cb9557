import { planOf } from './plan/plan.js'
import { simulate } from './simulation.js'

const from = Number(process.argv[2] ?? 1)
const count = Number(process.argv[3] ?? 1)
const isTraced = process.argv[4] === 'trace'
const start = performance.now()
let failed = 0
for (let seed = from; seed < from + count; seed++) {
  const outcome = simulate(planOf(seed), { isTraced })
  if (isTraced) console.log(outcome.lines.join('\n'))
  if (outcome.failure) {
    failed++
    console.log(`seed ${seed} ${outcome.plan.profile} at ${outcome.failure.atMs}: ${outcome.failure.oracle}: ${outcome.failure.message.slice(0, 400)}`)
  }
}
console.log(`${count} seeds, ${failed} failed, ${((performance.now() - start) / count).toFixed(1)} ms each`)
