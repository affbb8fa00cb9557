import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SimulateOptions } from '../simulate/simulate.js'

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate <files...>')
    .description('run scenarios of YAML files against the real allocator, under virtual time')
    .option('--json', 'one line of JSON for each event', false)
    .option('--explain', 'also who was offered what, and who was not and why', false)
    .addOption(new Option('--seed <number>', "instead of the scenarios' own seeds").argParser(seed))
    .action(async (files: string[], options: SimulateOptions) => {
      // Only now: no other command is to wait for the parser of YAML.
      const { simulate } = await import('../simulate/simulate.js')
      // Whoever reads may have seen enough, as `head` has.
      process.stdout.on('error', () => process.exit())
      process.exitCode = await simulate(files, options, {
        print: line => process.stdout.write(`${line}\n`),
        printError: line => process.stderr.write(`${line}\n`),
      })
    })
}

function seed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw new InvalidArgumentError(`a seed is a whole number of 0 or more, got '${text}'.`)
  }
  return Number(text)
}
