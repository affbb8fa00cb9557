import { type Command, Option } from 'commander'
import {
  addClusterOptions,
  addLogOptions,
  leaseDuration,
  duration,
  logOf,
  type LogOptions,
  percent,
  port,
  positiveInteger,
  stopWithStdinOption,
} from '../options.js'
import { type AllocatorOptions, addAllocatorOptions, allocatorSettings } from './allocator-options.js'
import { runPart } from '../run-part.js'

interface MasterCommandOptions extends LogOptions, AllocatorOptions {
  readonly cluster: string
  readonly nats: string
  readonly host: string
  readonly port: number
  readonly advertiseUrl?: string
  readonly lease: number
  readonly replicas: number
  readonly offerTimeout: number
  readonly maxSilentShare: number
  readonly agentRemovalRate: number
  readonly stopWithStdin: boolean
}

export function addMasterCommand(program: Command): void {
  const command = program
    .command('master')
    .description('start a master: it leads, or stands by until the leader is gone')
  addClusterOptions(command)
    .addOption(
      new Option('--host <address>', 'where the web endpoint listens')
        .default('127.0.0.1')
        .env('TENDER_MASTER_HOST'),
    )
    .addOption(
      new Option('--port <number>', 'its port; 0 for any free one')
        .default(5050)
        .argParser(port)
        .env('TENDER_MASTER_PORT'),
    )
    .addOption(
      new Option('--advertise-url <url>', 'how others reach the web endpoint').env(
        'TENDER_MASTER_ADVERTISE_URL',
      ),
    )
    .addOption(
      new Option('--lease <duration>', 'how long a dead leader still counts; 10s or more on replicated NATS')
        .default(1_000, '1s')
        .argParser(leaseDuration)
        .env('TENDER_LEASE'),
    )
    .addOption(
      new Option('--replicas <number>', 'copies of the registry; 3 on a NATS cluster')
        .default(1)
        .argParser(positiveInteger)
        .env('TENDER_REPLICAS'),
    )
    .addOption(
      new Option('--offer-timeout <duration>', 'an offer that is not answered is taken back; 0s: never')
        .default(60_000, '60s')
        .argParser(duration)
        .env('TENDER_OFFER_TIMEOUT'),
    )
    .addOption(
      new Option(
        '--max-silent-share <percent>',
        'when more of the agents are silent at once, the master suspects its own link and gives none up; 100: never',
      )
        .default(20)
        .argParser(percent)
        .env('TENDER_MAX_SILENT_SHARE'),
    )
    .addOption(
      new Option('--agent-removal-rate <number>', 'so many agents at most become unreachable in a second')
        .default(100)
        .argParser(positiveInteger)
        .env('TENDER_AGENT_REMOVAL_RATE'),
    )
  addAllocatorOptions(command).addOption(stopWithStdinOption())
  addLogOptions(command).action(async (options: MasterCommandOptions) => {
    const log = logOf('master', options)
    await runPart('master', log, options, async end => {
      const { startMaster } = await import('../../master/start-master.js')
      return await startMaster({
        cluster: options.cluster,
        nats: options.nats,
        host: options.host,
        port: options.port,
        ...(options.advertiseUrl === undefined ? {} : { advertiseUrl: options.advertiseUrl }),
        leaseMs: options.lease,
        replicas: options.replicas,
        settings: {
          offerTimeoutMs: options.offerTimeout === 0 ? null : options.offerTimeout,
          maxSilentShare: options.maxSilentShare / 100,
          agentRemovalsPerSecond: options.agentRemovalRate,
          allocator: allocatorSettings(options),
        },
        log,
        onBug: end.bug,
      })
    })
  })
}
