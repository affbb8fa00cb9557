import type { Command } from 'commander'
import { addAgentsCommand, addDrainCommands, addMaintenanceCommand, addWhitelistCommand } from './agents.js'
import { addExplainCommand } from './explain.js'
import { addFrameworksCommand } from './frameworks.js'
import { addReservationCommands } from './reservations.js'
import { addQuotaCommand, addRolesCommand } from './roles.js'

/** What operators ask of the master, besides the lists. */
export function addOperatorCommands(program: Command): void {
  addAgentsCommand(program)
  addFrameworksCommand(program)
  addRolesCommand(program)
  addExplainCommand(program)
  addQuotaCommand(program)
  addReservationCommands(program)
  addDrainCommands(program)
  addMaintenanceCommand(program)
  addWhitelistCommand(program)
}
