import type { Command } from 'commander'
import { addMasterOptions, type MasterOptions, operate } from '../operate.js'
import { addList, completedFrameworks, frameworks } from './lists.js'

export function addFrameworksCommand(program: Command): void {
  const command = program.command('frameworks').description(`${frameworks.description}; list unless told`)
  addList(command, frameworks, true)
  addList(command, completedFrameworks)
  const teardown = command
    .command('teardown')
    .description('end a framework for good: it is told so, and its tasks are killed')
    .argument('<framework>', 'its id')
    .option('--yes', 'it is so', false)
  addMasterOptions(teardown).action(
    async (frameworkId: string, options: MasterOptions & { yes: boolean }) => {
      if (!options.yes)
        teardown.error(
          `error: all tasks of framework ${frameworkId} would be killed; if that is wanted, repeat this with --yes`,
        )
      await operate(options, ['DELETE', `/frameworks/${encodeURIComponent(frameworkId)}?confirm=true`])
    },
  )
}
