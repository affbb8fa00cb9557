import { type Command, Option } from 'commander'
import { requestJson } from '../client.js'
import { addMasterOptions, type MasterOptions, operate } from '../operate.js'
import { duration, instant, masterOption } from '../options.js'
import { durationText, instantText, print } from '../output/text.js'
import { addList, agents, type List } from './lists.js'

interface WindowRow {
  readonly agentId: string
  readonly hostname: string
  readonly unavailability: { readonly startMs: number; readonly durationMs?: number }
  readonly inverseOffers: readonly { readonly frameworkId: string; readonly answer?: string }[]
}

const windows: List<WindowRow> = {
  name: 'list',
  description: 'the maintenance windows, and what frameworks say of them',
  endpoint: 'master',
  path: '/api/v1/maintenance',
  option: masterOption,
  none: 'No agent has a maintenance window. Set one with: tender maintenance set AGENT --start 2h',
  columns: [
    { heading: 'AGENT', value: row => row.agentId },
    { heading: 'HOST', value: row => row.hostname },
    { heading: 'START', value: row => instantText(row.unavailability.startMs) },
    {
      heading: 'DURATION',
      value: ({ unavailability: { durationMs } }) =>
        durationMs === undefined ? 'open' : durationText(durationMs),
      align: 'right',
    },
    {
      heading: 'FRAMEWORKS',
      value: row =>
        row.inverseOffers.map(({ frameworkId, answer }) => `${frameworkId}:${answer ?? 'asked'}`).join(',') ||
        '-',
    },
  ],
}

interface RemoveOptions {
  readonly yes: boolean
  readonly mayReturn: boolean
}

export function addAgentsCommand(program: Command): void {
  const command = program.command('agents').description(`${agents.description}; list unless told`)
  addList(command, agents, true)
  addConfirmSilent(command)
  const remove = command
    .command('remove')
    .description('an agent is gone for good: its tasks end as GONE_BY_OPERATOR, and it is not let in again')
    .argument('<agent>', 'its id')
    .option('--yes', 'it is so', false)
    .option('--may-return', 'let it in again when it comes, as a new agent', false)
  addMasterOptions(remove).action(async (agentId: string, options: MasterOptions & RemoveOptions) => {
    if (!options.yes)
      remove.error(
        `error: agent ${agentId} would never be let in again, and its tasks would count as gone; ` +
          'if its host is gone for good, repeat this with --yes',
      )
    const mayReturn = options.mayReturn ? '&mayReturn=true' : ''
    await operate(options, ['DELETE', `/agents/${encodeURIComponent(agentId)}?confirm=true${mayReturn}`])
  })
}

function addConfirmSilent(command: Command): void {
  addMasterOptions(
    command
      .command('confirm-silent')
      .description(
        'while the master suspects its own link: the agents that are silent are away indeed, and become unreachable',
      ),
  ).action((options: MasterOptions) => operate(options, ['POST', '/agents/confirm-silent', {}]))
}

/** Emptying agents, and letting them in again. */
export function addDrainCommands(program: Command): void {
  addMasterOptions(
    program
      .command('drain')
      .description('empty an agent: no more offers, and frameworks with tasks there are asked to leave')
      .argument('<agent>', 'its id')
      .addOption(
        new Option(
          '--grace <duration>',
          'then the tasks that are still there are killed; never unless told',
        ).argParser(duration),
      ),
  ).action((agentId: string, { grace: graceMs, ...options }: MasterOptions & { grace?: number }) =>
    operate(options, [
      'POST',
      `/agents/${encodeURIComponent(agentId)}/drain`,
      graceMs === undefined ? {} : { graceMs },
    ]),
  )
  for (const [name, description] of [
    ['deactivate', 'no more offers of an agent; its tasks go on'],
    ['reactivate', 'end a drain or a deactivation'],
  ] as const) {
    addMasterOptions(program.command(name).description(description).argument('<agent>', 'its id')).action(
      (agentId: string, options: MasterOptions) =>
        operate(options, ['POST', `/agents/${encodeURIComponent(agentId)}/${name}`, {}]),
    )
  }
}

export function addMaintenanceCommand(program: Command): void {
  const command = program
    .command('maintenance')
    .description('when agents will not be there; list unless told')
  addList(command, windows, true)
  addMasterOptions(
    command
      .command('set')
      .description('give agents a window, in place of the one they had; frameworks there are asked to leave')
      .argument('<agents...>', 'their ids')
      .addOption(
        new Option('--start <time>', 'such as 2030-01-31T22:00:00Z, or 2h from now')
          .argParser(text => instant(text))
          .makeOptionMandatory(),
      )
      .addOption(new Option('--duration <duration>', 'open unless told').argParser(duration)),
  ).action((agentIds: string[], options: MasterOptions & { start: number; duration?: number }) => {
    const { start: startMs, duration: durationMs } = options
    const body = { agentIds, startMs, ...(durationMs === undefined ? {} : { durationMs }) }
    return operate(options, ['PUT', '/maintenance', body])
  })
  addMasterOptions(
    command.command('clear').description('take the window from agents').argument('<agents...>', 'their ids'),
  ).action((agentIds: string[], options: MasterOptions) =>
    operate(options, ['DELETE', '/maintenance', { agentIds }]),
  )
}

export function addWhitelistCommand(program: Command): void {
  const command = program.command('whitelist').description('which agents are offered; show unless told')
  addMasterOptions(
    command.command('show', { isDefault: true }).description('the host names that are offered'),
  ).action(async (options: MasterOptions) => {
    const url = new URL('/api/v1/whitelist', options.master)
    const whitelist = (await requestJson('master', url)) as { hostnames?: string[] }
    if (options.json) print(JSON.stringify(whitelist, null, 2))
    else print(whitelistText(whitelist.hostnames))
  })
  addMasterOptions(
    command
      .command('set')
      .description('offer only the agents of these host names from now on')
      .argument('<hosts...>', 'their names'),
  ).action((hostnames: string[], options: MasterOptions) =>
    operate(options, ['PUT', '/whitelist', { hostnames }]),
  )
  addMasterOptions(command.command('clear').description('offer all agents again')).action(
    (options: MasterOptions) => operate(options, ['DELETE', '/whitelist']),
  )
}

function whitelistText(hostnames: readonly string[] | undefined): string {
  if (!hostnames) return 'There is no whitelist: all agents are offered.'
  return hostnames.length === 0 ? 'The whitelist is empty: no agent is offered.' : hostnames.join('\n')
}
