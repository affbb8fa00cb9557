import { ProtocolError } from '@tender/sdk/protocol'
import { type Command, Option } from 'commander'
import { version } from '../../master/version.js'
import {
  addClusterOptions,
  addLogOptions,
  logOf,
  type LogOptions,
  port,
  positiveInteger,
  stopWithStdinOption,
} from '../options.js'
import { runPart } from '../run-part.js'

interface ServiceCommandOptions extends LogOptions {
  readonly cluster: string
  readonly nats: string
  readonly host: string
  readonly port: number
  readonly frameworkId: string
  readonly role: string
  readonly replicas: number
  readonly stopWithStdin: boolean
}

export function addServiceCommand(program: Command): void {
  const command = program.command('service').description('start the service framework: it keeps apps running')
  addClusterOptions(command)
    .addOption(
      new Option('--host <address>', 'where its API listens').default('127.0.0.1').env('TENDER_SERVICE_HOST'),
    )
    .addOption(
      new Option('--port <number>', 'its port; 0 for any free one')
        .default(8080)
        .argParser(port)
        .env('TENDER_SERVICE_PORT'),
    )
    .addOption(
      new Option('--framework-id <id>', 'a newer one of the same id replaces an older')
        .default('service')
        .env('TENDER_SERVICE_FRAMEWORK_ID'),
    )
    .addOption(new Option('--role <role>', 'whose share its apps use').default('*').env('TENDER_ROLE'))
    .addOption(
      new Option('--replicas <number>', 'copies of its state; 3 on a NATS cluster')
        .default(1)
        .argParser(positiveInteger)
        .env('TENDER_REPLICAS'),
    )
    .addOption(stopWithStdinOption())
  addLogOptions(command).action(async (options: ServiceCommandOptions) => {
    const log = logOf('service', options)
    await runPart('service', log, options, async end => {
      const { startService } = await import('../../frameworks/service/service.js')
      const { cluster, nats, host, port, frameworkId, replicas, role } = options
      const service = await startService({
        cluster,
        nats,
        frameworkId,
        replicas,
        role,
        http: { host, port },
        version,
        log,
        onFailed: reason => (reason instanceof ProtocolError ? end.failed(reason) : end.bug(reason)),
      })
      log.info(`service framework answers at ${service.httpUrl}`)
      return service
    })
  })
}
