import { type Command, Option } from 'commander'
import type { RoleQuotaView } from '../../master/core/view.js'
import { addMasterOptions, type MasterOptions, operate } from '../operate.js'
import { masterOption, quantities, weight } from '../options.js'
import { quantitiesText } from '../output/text.js'
import { addList, type List, roles } from './lists.js'

const quotas: List<RoleQuotaView & { readonly role: string }> = {
  name: 'list',
  description: 'the quotas, and what counts against them',
  endpoint: 'master',
  path: '/api/v1/quota',
  option: masterOption,
  none: 'No role has a quota. Set one with: tender quota set ROLE --guarantee "cpus:2;mem:1024"',
  columns: [
    { heading: 'ROLE', value: row => row.role },
    { heading: 'GUARANTEE', value: row => quantitiesText(row.guarantee) },
    { heading: 'LIMIT', value: row => quantitiesText(row.limit) },
    { heading: 'CONSUMED', value: row => quantitiesText(row.consumed) },
  ],
}

interface QuotaOptions extends MasterOptions {
  readonly guarantee?: Readonly<Record<string, number>>
  readonly limit?: Readonly<Record<string, number>>
  readonly force: boolean
}

export function addRolesCommand(program: Command): void {
  const command = program
    .command('roles')
    .description('the roles: weights and dominant shares; list unless told')
  addList(command, roles, true)
  addMasterOptions(
    command
      .command('weight')
      .description('set the weight of a role: with 2, it may hold twice as much as others')
      .argument('<role>')
      .argument('<weight>', 'a number above 0', weight),
  ).action((role: string, weight: number, options: MasterOptions) =>
    operate(options, ['PUT', `/roles/${encodeURIComponent(role)}`, { weight }]),
  )
  addMasterOptions(
    command
      .command('reset')
      .description('back to weight 1 and no quota; a role that nobody uses is forgotten')
      .argument('<role>'),
  ).action((role: string, options: MasterOptions) =>
    operate(options, ['DELETE', `/roles/${encodeURIComponent(role)}`]),
  )
}

export function addQuotaCommand(program: Command): void {
  const command = program
    .command('quota')
    .description('what roles are guaranteed, and limited to; list unless told')
  addList(command, quotas, true)
  const set = command
    .command('set')
    .description('set guarantee and limit of a role; what is left out is none')
    .argument('<role>')
    .addOption(
      new Option('--guarantee <quantities>', 'kept for it, such as cpus:2;mem:1024').argParser(quantities),
    )
    .addOption(
      new Option('--limit <quantities>', 'the most it may have; what is not named is not limited').argParser(
        quantities,
      ),
    )
    .option('--force', 'even if the cluster cannot satisfy it, or the role has more already', false)
  addMasterOptions(set).action(async (role: string, { guarantee, limit, ...options }: QuotaOptions) => {
    if (!guarantee && !limit)
      set.error(`error: give --guarantee, --limit or both; 'tender quota remove ${role}' sets neither`)
    const body = {
      ...(guarantee ? { guarantee } : {}),
      ...(limit ? { limit } : {}),
      ...(options.force ? { force: true } : {}),
    }
    await operate(options, ['PUT', `/quota/${encodeURIComponent(role)}`, body])
  })
  addMasterOptions(
    command.command('remove').description('neither guarantee nor limit any more').argument('<role>'),
  ).action((role: string, options: MasterOptions) =>
    operate(options, ['DELETE', `/quota/${encodeURIComponent(role)}`]),
  )
}
