import type { Domain } from '@tender/sdk/protocol'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ContainerizerKind } from '../../agent/start-agent.js'
import { addClusterOptions, addLogOptions, logOf, type LogOptions, stopWithStdinOption } from '../options.js'
import { runPart } from '../run-part.js'

interface AgentCommandOptions extends LogOptions {
  readonly cluster: string
  readonly nats: string
  readonly workDir: string
  readonly resources?: string
  readonly attributes?: string
  readonly domain?: Domain
  readonly reconfiguration: 'additive' | 'any'
  readonly hostname?: string
  readonly agentId?: string
  readonly containerizers: readonly ContainerizerKind[] | 'auto'
  readonly dockerHost?: string
  readonly stopTasks: boolean
  readonly stopWithStdin: boolean
}

export function addAgentCommand(program: Command): void {
  const command = program
    .command('agent')
    .description("start an agent: it offers this host's resources and runs tasks")
  addClusterOptions(command)
    .addOption(
      new Option('--work-dir <directory>', 'checkpoint and sandboxes; one agent each')
        .default('.tender/agent')
        .env('TENDER_WORK_DIR'),
    )
    .addOption(
      new Option(
        '--resources <text>',
        'instead of what is detected, by name: "cpus:4;cpus(web):2;mem:8192;ports:[31000-31100]"',
      ).env('TENDER_RESOURCES'),
    )
    .addOption(
      new Option('--attributes <text>', 'what frameworks may choose by: "rack:r1;slots:4"').env(
        'TENDER_ATTRIBUTES',
      ),
    )
    .addOption(
      new Option('--domain <region/zone>', 'where it stands, for what fails together: "north/north-1"')
        .argParser(domain)
        .env('TENDER_DOMAIN'),
    )
    .addOption(
      new Option(
        '--reconfiguration <policy>',
        'what it may be started with when it is started again: more, or any',
      )
        .choices(['additive', 'any'])
        .default('additive')
        .env('TENDER_RECONFIGURATION'),
    )
    .addOption(
      new Option('--hostname <name>', "under which tasks are reached (default: the host's name)").env(
        'TENDER_HOSTNAME',
      ),
    )
    .addOption(new Option('--agent-id <id>', 'at the first start; kept in the work directory'))
    .addOption(
      new Option(
        '--containerizers <list>',
        'docker, process or both, joined by a comma; auto: process, and docker if an engine answers',
      )
        .default('auto')
        .argParser(containerizers)
        .env('TENDER_CONTAINERIZERS'),
    )
    .addOption(
      new Option('--docker-host <address>', 'the docker engine: unix:///path or tcp://host:port').env(
        'DOCKER_HOST',
      ),
    )
    .addOption(new Option('--stop-tasks', 'when the agent is stopped, stop its tasks too').default(false))
    .addOption(stopWithStdinOption())
  addLogOptions(command).action(async (options: AgentCommandOptions) => {
    const log = logOf('agent', options)
    await runPart('agent', log, options, async end => {
      const { startAgent } = await import('../../agent/start-agent.js')
      const { resources, attributes, domain, hostname, agentId, dockerHost } = options
      const agent = await startAgent({
        cluster: options.cluster,
        nats: options.nats,
        workDir: options.workDir,
        ...(resources === undefined ? {} : { resources }),
        ...(attributes === undefined ? {} : { attributes }),
        ...(domain === undefined ? {} : { domain }),
        reconfiguration: options.reconfiguration,
        ...(hostname === undefined ? {} : { hostname }),
        ...(agentId === undefined ? {} : { agentId }),
        containerizers: options.containerizers,
        engine: { host: dockerHost },
        environment: definedOnly(process.env),
        log,
        onRefused: end.failed,
        onBug: end.bug,
      })
      log.info('agent started', {
        agentId: agent.agentId,
        resources: agent.resources,
        containerizers: agent.containerizers.join(','),
      })
      return { stop: () => agent.stop({ tasksToo: options.stopTasks }) }
    })
  })
}

function domain(text: string): Domain {
  const [region = '', zone = '', ...more] = text.split('/').map(part => part.trim())
  const parts = [region, zone]
  if (more.length > 0 || parts.some(part => part === '' || part.length > 200))
    throw new InvalidArgumentError(
      `it is a region and a zone of up to 200 characters each, such as north/north-1, got '${text}'.`,
    )
  return { region, zone }
}

function containerizers(text: string): readonly ContainerizerKind[] | 'auto' {
  if (text === 'auto') return text
  const kinds = text.split(',').map(kind => kind.trim())
  const wrong = kinds.find(kind => kind !== 'docker' && kind !== 'process')
  if (wrong !== undefined)
    throw new InvalidArgumentError(`each is docker or process, or the whole is auto, got '${wrong}'.`)
  return kinds as ContainerizerKind[]
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
