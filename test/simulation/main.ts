import { parseArgs } from 'node:util'
import { planOf } from './plan/plan.js'
import { printCatch, printFailure, printTally } from './runner/report.js'
import { runBreakages } from './runner/run-breakages.js'
import { runSeeds } from './runner/run-seeds.js'
import { shrink } from './runner/shrink.js'
import { simulate } from './simulation.js'

const usage = `npm run simulation -- [--seeds N] [--from N]   many seeds, on all cores
npm run simulation -- --seed N [--agents N]   one seed, told line by line; with as many agents as you like
npm run simulation -- --breakages [--seeds N] whether deliberate mistakes are found`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    agents: { type: 'string' },
    breakages: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Of failing seeds, so many are shrunk. */
const shrunkSeeds = 3

if (values.help) console.log(usage)
else if (values.seed !== undefined) runOne(whole('--seed', values.seed), values.agents)
else if (values.breakages) await checkTheChecker(whole('--seeds', values.seeds ?? '300'))
else await runMany(whole('--from', values.from), whole('--seeds', values.seeds ?? '200'))

function runOne(seed: number, agents: string | undefined): void {
  const plan = planOf(seed, agents === undefined ? undefined : whole('--agents', agents, 1))
  const { failure, lines } = simulate(plan, { isTraced: true })
  console.log(lines.join('\n'))
  if (failure) process.exitCode = 1
}

async function runMany(from: number, seeds: number): Promise<void> {
  const startedAtMs = performance.now()
  const isTerminal = process.stdout.isTTY
  const tally = await runSeeds({
    from,
    seeds,
    onProgress: ({ seeds: done, failed }) => {
      const line = `${done} of ${seeds} seeds, ${failed.length} failed`
      if (isTerminal) process.stdout.write(`\r${line} `)
      else if (done % 500 === 0) console.log(line)
    },
  })
  if (isTerminal) console.log()
  for (const { seed } of tally.failed.slice(0, shrunkSeeds)) printFailure(seed, shrink(planOf(seed)))
  printTally(tally, performance.now() - startedAtMs)
  if (tally.failed.length > 0) process.exitCode = 1
}

async function checkTheChecker(seeds: number): Promise<void> {
  const caught = await runBreakages(seeds, printCatch)
  const missed = caught.filter(({ seed }) => seed === undefined)
  console.log(`${caught.length - missed.length} of ${caught.length} breakages are found`)
  if (missed.length > 0) process.exitCode = 1
}

function whole(name: string, text: string, least = 0): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  console.error(`${name} must be a whole number of ${least} or more, got '${text}'\n${usage}`)
  process.exit(2)
}
