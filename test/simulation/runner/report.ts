import { describeFault } from '../plan/fault.js'
import type { Outcome } from '../simulation.js'
import type { Catch } from './run-breakages.js'
import type { Tally } from './tally.js'

/** So many of the last lines of a transcript are shown. */
const shownLines = 60

/** A seed that breaks a promise: what is left of its plan, and what happens. */
export function printFailure(seed: number, { plan, failure, lines }: Outcome): void {
  const { agents, apps, batches, faults, masters, profile } = plan
  const jobs = batches.reduce((sum, batch) => sum + batch.jobs.length, 0)
  console.log(`\nseed ${seed} (${profile}) fails: ${failure?.oracle}: ${failure?.message}`)
  console.log(
    `shrunk to ${masters.length} masters, ${agents.length} agents, ${apps.length} apps, ${jobs} jobs and ${faults.length} faults`,
  )
  for (const fault of faults) console.log(`  ${describeFault(fault)}`)
  for (const line of lines.slice(-shownLines)) console.log(`  ${line}`)
}

export function printCatch({ name, oracle, seed, message }: Catch): void {
  const found =
    seed === undefined ? 'NOT FOUND' : `found by '${oracle}' at seed ${seed}: ${firstLine(message)}`
  console.log(`${name.padEnd(50)} ${found}`)
}

export function printTally(
  { seeds, virtualMs, steps, messages, faults, checks, failed }: Tally,
  tookMs: number,
): void {
  const row = (name: string, amount: string) => console.log(`${name.padEnd(28)}${amount.padStart(16)}`)
  row('seeds', whole(seeds))
  row('virtual hours', (virtualMs / 3_600_000).toFixed(1))
  row('steps', whole(steps))
  row('messages', whole(messages))
  console.log('faults')
  for (const [name, amount] of sorted(faults)) row(`  ${name}`, whole(amount))
  console.log('checks')
  for (const [name, amount] of sorted(checks)) row(`  ${name}`, whole(amount))
  row('seconds', (tookMs / 1_000).toFixed(1))
  const list = failed.map(
    ({ seed, profile, failure }) =>
      `  ${seed} (${profile}): ${failure.oracle}: ${firstLine(failure.message)}`,
  )
  console.log(`${whole(seeds - failed.length)} passed, ${whole(failed.length)} failed`)
  for (const line of list) console.log(line)
}

function sorted(amounts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(amounts).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function whole(amount: number): string {
  return Math.round(amount).toLocaleString('en')
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > 200 ? `${line.slice(0, 200)} …` : line
}
