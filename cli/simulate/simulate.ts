import { exitStatus } from '../exit-status.js'
import { readAll } from './files.js'
import { MasterWorld } from './master-world.js'
import { jsonReport, textReport } from './report.js'
import { runScenario } from './run.js'
import type { ScenarioSettings } from './scenario-file.js'
import { ScenarioFileError } from './scenario-file-error.js'

export interface SimulateOptions {
  readonly json: boolean
  readonly explain: boolean
  readonly seed?: number
}

export interface Output {
  readonly print: (line: string) => void
  readonly printError: (line: string) => void
}

/** Reads and checks all files, then runs their scenarios one after the other. @returns the exit status */
export async function simulate(
  paths: readonly string[],
  options: SimulateOptions,
  { print, printError }: Output,
): Promise<number> {
  try {
    const scenarios = await readAll(paths)
    const report = options.json ? jsonReport(print, options) : textReport(print, options)
    const overrides = options.seed === undefined ? {} : { seed: options.seed }
    const makeWorld = (settings: ScenarioSettings) => new MasterWorld({ ...settings, ...overrides }, options)
    const outcomes = scenarios.map(scenario => {
      const outcome = runScenario(scenario, makeWorld, happening => report.happened(scenario, happening))
      report.ended(outcome)
      return outcome
    })
    report.sum(outcomes)
    return outcomes.some(({ failure }) => failure) ? exitStatus.failure : exitStatus.ok
  } catch (error) {
    if (!(error instanceof ScenarioFileError)) throw error
    printError(error.message)
    return exitStatus.usage
  }
}
