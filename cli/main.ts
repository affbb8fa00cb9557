#!/usr/bin/env -S node --max-semi-space-size=2
import { Command, CommanderError } from 'commander'
import { describeError } from '@tender/sdk/runtime'
import { version } from '../master/version.js'
import { addAgentCommand } from './commands/agent.js'
import { addDeployCommand } from './commands/deploy.js'
import { addDevCommand } from './commands/dev.js'
import { addListCommands } from './commands/lists.js'
import { addLogsCommand } from './commands/logs.js'
import { addMasterCommand } from './commands/master.js'
import { addOperatorCommands } from './commands/operators.js'
import { addServiceCommand } from './commands/service.js'
import { addSimulateCommand } from './commands/simulate.js'
import { exitStatus } from './exit-status.js'

const program = new Command('tender')
  .description('Tender: a two-level resource scheduler for containers')
  .version(version)
  .showHelpAfterError()
  .showSuggestionAfterError()
  .exitOverride()

addDevCommand(program)
addMasterCommand(program)
addAgentCommand(program)
addServiceCommand(program)
addListCommands(program)
addOperatorCommands(program)
addDeployCommand(program)
addLogsCommand(program)
addSimulateCommand(program)
// Made before this by `command()`, they have their own settings: a wrong flag shows the help of its command.
function settle(command: Command): void {
  for (const each of command.commands) settle(each.showHelpAfterError().exitOverride())
}
settle(program)

try {
  await program.parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed what was wrong, and what is allowed.
    process.exitCode = error.exitCode === 0 ? 0 : exitStatus.usage
  } else {
    process.stderr.write(`tender: ${describeError(error)}\n`)
    process.exitCode = exitStatus.failure
  }
}
