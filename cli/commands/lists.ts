import type { Command, Option } from 'commander'
import type {
  AgentView,
  CompletedFrameworkView,
  FrameworkView,
  OfferView,
  RoleView,
  TaskView,
} from '../../master/core/view.js'
import { type Endpoint, requestJson } from '../client.js'
import { masterOption, serviceOption } from '../options.js'
import { type Column, table } from '../output/table.js'
import { durationText, instantText, print, resourcesText } from '../output/text.js'

export interface List<Row> {
  readonly name: string
  readonly description: string
  readonly endpoint: Endpoint
  readonly path: string
  readonly option: () => Option
  /** Where in the answer the rows are; absent: the answer is the rows. */
  readonly field?: string
  readonly columns: readonly Column<Row>[]
  /** Printed when there are none. */
  readonly none: string
}

const now = () => Date.now()

export const agents: List<AgentView> = {
  name: 'list',
  description: 'what the agents have: allocated, offered and free',
  endpoint: 'master',
  path: '/api/v1/agents',
  option: masterOption,
  none: 'No agents. Start one with: tender agent',
  columns: [
    { heading: 'AGENT', value: row => row.agentId },
    { heading: 'HOST', value: row => row.hostname },
    {
      heading: 'STATE',
      value: row =>
        [row.state, row.condition, row.problem && 'unwell', row.isSilent && 'silent']
          .filter(Boolean)
          .join(','),
    },
    { heading: 'TASKS', value: row => String(row.taskCount), align: 'right' },
    { heading: 'ALLOCATED', value: row => resourcesText(row.allocated) },
    { heading: 'OFFERED', value: row => resourcesText(row.offered) },
    { heading: 'FREE', value: row => resourcesText(row.free) },
  ],
}

const offers: List<OfferView> = {
  name: 'offers',
  description: 'the outstanding offers',
  endpoint: 'master',
  path: '/api/v1/offers',
  option: masterOption,
  none: 'No outstanding offers.',
  columns: [
    { heading: 'OFFER', value: row => row.offerId },
    { heading: 'FRAMEWORK', value: row => row.frameworkId },
    { heading: 'ROLE', value: row => row.role },
    { heading: 'AGENT', value: row => row.agentId },
    { heading: 'AGE', value: row => durationText(row.ageMs), align: 'right' },
    {
      heading: 'LEFT',
      value: row => (row.expiresAtMs === undefined ? '-' : durationText(row.expiresAtMs - now())),
      align: 'right',
    },
    { heading: 'RESOURCES', value: row => resourcesText(row.resources) },
  ],
}

export const frameworks: List<FrameworkView> = {
  name: 'list',
  description: 'the frameworks and what they hold',
  endpoint: 'master',
  path: '/api/v1/frameworks',
  option: masterOption,
  none: 'No frameworks. Start the bundled one with: tender service',
  columns: [
    { heading: 'FRAMEWORK', value: row => row.frameworkId },
    { heading: 'NAME', value: row => row.name },
    { heading: 'STATE', value: row => row.state },
    { heading: 'ROLES', value: row => row.roles.join(',') },
    { heading: 'SUPPRESSED', value: row => row.suppressedRoles.join(',') || '-' },
    { heading: 'OFFERS', value: row => String(row.offerCount), align: 'right' },
    { heading: 'TASKS', value: row => String(row.taskCount), align: 'right' },
    { heading: 'ALLOCATED', value: row => resourcesText(row.allocated) },
  ],
}

export const completedFrameworks: List<CompletedFrameworkView> = {
  name: 'completed',
  description: 'the frameworks that have ended for good, newest first',
  endpoint: 'master',
  path: '/api/v1/completed-frameworks',
  option: masterOption,
  none: 'No framework has ended.',
  columns: [
    { heading: 'FRAMEWORK', value: row => row.frameworkId },
    { heading: 'NAME', value: row => row.name },
    { heading: 'ROLES', value: row => row.roles.join(',') },
    { heading: 'ENDED', value: row => instantText(row.completedAtMs) },
    { heading: 'REASON', value: row => row.reason },
  ],
}

export const roles: List<RoleView> = {
  name: 'list',
  description: 'the roles, their weights and dominant shares',
  endpoint: 'master',
  path: '/api/v1/roles',
  option: masterOption,
  none: 'No roles: no framework has subscribed yet.',
  columns: [
    { heading: 'ROLE', value: row => row.role },
    { heading: 'WEIGHT', value: row => String(row.weight), align: 'right' },
    { heading: 'SHARE', value: row => row.dominantShare.toFixed(3), align: 'right' },
    { heading: 'FRAMEWORKS', value: row => row.frameworkIds.join(',') || '-' },
    { heading: 'ALLOCATED', value: row => resourcesText(row.allocated) },
    { heading: 'OFFERED', value: row => resourcesText(row.offered) },
  ],
}

const tasks: List<TaskView> = {
  name: 'tasks',
  description: 'the tasks, those that run first',
  endpoint: 'master',
  path: '/api/v1/tasks',
  option: masterOption,
  none: 'No tasks. Deploy a service with: tender deploy examples/web/app.json --wait',
  columns: [
    { heading: 'TASK', value: row => row.taskId },
    { heading: 'FRAMEWORK', value: row => row.frameworkId },
    { heading: 'AGENT', value: row => row.agentId },
    { heading: 'STATE', value: row => row.state },
    { heading: 'SINCE', value: row => durationText(now() - row.updatedAtMs), align: 'right' },
    { heading: 'RESOURCES', value: row => resourcesText(row.resources) },
    { heading: 'MESSAGE', value: row => (row.status?.message ?? '').split('\n')[0]?.slice(0, 80) ?? '' },
  ],
}

interface AppRow {
  readonly id: string
  readonly instances: number
  readonly tasksRunning: number
  readonly tasksStaged: number
  readonly cpus: number
  readonly mem: number
  readonly container?: { readonly docker?: { readonly image?: string } }
  readonly cmd?: string | null
  readonly args?: readonly string[] | null
  readonly waiting?: { readonly message: string }
}

const apps: List<AppRow> = {
  name: 'apps',
  description: 'the apps of the service framework',
  endpoint: 'service',
  path: '/v2/apps',
  option: serviceOption,
  field: 'apps',
  none: 'No apps. Deploy one with: tender deploy examples/web/app.json --wait',
  columns: [
    { heading: 'APP', value: row => row.id },
    { heading: 'RUNNING', value: row => `${row.tasksRunning}/${row.instances}`, align: 'right' },
    { heading: 'STAGED', value: row => String(row.tasksStaged), align: 'right' },
    { heading: 'CPUS', value: row => String(row.cpus), align: 'right' },
    { heading: 'MEM', value: row => String(row.mem), align: 'right' },
    { heading: 'RUNS', value: row => row.container?.docker?.image ?? row.cmd ?? row.args?.join(' ') ?? '' },
    { heading: 'WAITING', value: row => row.waiting?.message ?? '-' },
  ],
}

export function addListCommands(program: Command): void {
  addList(program, offers)
  addList(program, tasks)
  addList(program, apps)
}

/** @param parent in which the list may be what is done when nothing else is asked */
export function addList<Row>(parent: Command, list: List<Row>, isDefault = false): void {
  parent
    .command(list.name, { isDefault })
    .description(list.description)
    .addOption(list.option())
    .option('--json', 'as JSON', false)
    .action(async (options: { master?: string; service?: string; json: boolean }) => {
      const base = options.master ?? options.service ?? ''
      const answer = await requestJson(list.endpoint, new URL(list.path, base))
      const rows = (
        list.field === undefined ? answer : (answer as Record<string, unknown>)[list.field]
      ) as Row[]
      if (options.json) print(JSON.stringify(rows, null, 2))
      else print(rows.length === 0 ? list.none : table(rows, list.columns))
    })
}
