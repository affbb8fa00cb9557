import { type Command, InvalidArgumentError, Option } from 'commander'
import { exitStatus } from '../exit-status.js'
import { readAll } from '../simulate/files.js'
import { MasterWorld } from '../simulate/master-world.js'
import { jsonReport, textReport } from '../simulate/report.js'
import { type Outcome, runScenario } from '../simulate/run.js'
import type { Scenario } from '../simulate/scenario-file.js'
import { ScenarioFileError } from '../simulate/scenario-file-error.js'

interface SimulateOptions {
  readonly json: boolean
  readonly explain: boolean
  readonly seed?: number
}

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate <files...>')
    .description('run scenarios of YAML files against the real allocator, under virtual time')
    .option('--json', 'one line of JSON for each event', false)
    .option('--explain', 'also who was offered what, and who was not and why', false)
    .addOption(new Option('--seed <number>', "instead of the scenarios' own seeds").argParser(seed))
    .action(async (files: string[], options: SimulateOptions) => {
      let scenarios: Scenario[]
      try {
        scenarios = await readAll(files)
      } catch (error) {
        if (!(error instanceof ScenarioFileError)) throw error
        process.stderr.write(`${error.message}\n`)
        process.exitCode = exitStatus.usage
        return
      }
      // Whoever reads may have seen enough, as `head` has.
      process.stdout.on('error', () => process.exit())
      const outcomes = simulate(scenarios, options)
      if (outcomes.some(({ failure }) => failure)) process.exitCode = exitStatus.failure
    })
}

function simulate(scenarios: readonly Scenario[], options: SimulateOptions): Outcome[] {
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const report = options.json ? jsonReport(print, options) : textReport(print, options)
  const overrides = options.seed === undefined ? {} : { seed: options.seed }
  const outcomes = scenarios.map(scenario => {
    const makeWorld = (settings: Scenario['settings']) => new MasterWorld({ ...settings, ...overrides })
    const outcome = runScenario(scenario, makeWorld, happening => report.happened(scenario, happening))
    report.ended(outcome)
    return outcome
  })
  report.sum(outcomes)
  return outcomes
}

function seed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw new InvalidArgumentError(`a seed is a whole number of 0 or more, got '${text}'.`)
  }
  return Number(text)
}
