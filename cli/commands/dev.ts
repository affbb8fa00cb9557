import { homedir } from 'node:os'
import { writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import pc from 'picocolors'
import { type ClusterFile, describeError } from '@tender/sdk/runtime'
import { DevCluster } from '../dev/dev-cluster.js'
import { runningCluster } from '../dev/cluster-file.js'
import { asProcess, readExample } from '../dev/example-app.js'
import { buildExampleImage } from '../dev/example-image.js'
import { deploy } from '../deploy/deploy.js'
import { answering } from '../dev/answering.js'
import { exitStatus } from '../exit-status.js'
import { port, positiveInteger } from '../options.js'

interface DevCommandOptions {
  readonly directory: string
  readonly agents: number
  readonly containerizer: 'auto' | 'docker' | 'process'
  readonly nats?: string
  readonly natsPort: number
  readonly masterPort?: number
  readonly servicePort?: number
  readonly dockerHost?: string
  readonly example: boolean
}

const examples = fileURLToPath(new URL('../../../examples', import.meta.url))

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('start a whole cluster on this machine, with an example service, until Ctrl-C')
    .addOption(
      new Option('--directory <path>', 'data, logs and cluster.json')
        .default('.tender')
        .env('TENDER_DIRECTORY'),
    )
    .addOption(
      new Option('--agents <number>', 'how many agents share this machine')
        .default(3)
        .argParser(positiveInteger),
    )
    .addOption(
      new Option('--containerizer <kind>', 'how tasks run')
        .choices(['auto', 'docker', 'process'])
        .default('auto'),
    )
    .addOption(
      new Option('--nats <url>', 'a NATS server with JetStream that runs already').env('TENDER_NATS'),
    )
    .addOption(
      new Option('--nats-port <number>', 'for the one that is started; 0 for any free one')
        .default(0)
        .argParser(port),
    )
    .addOption(
      new Option('--master-port <number>', '5050, or any free one when that is taken').argParser(port),
    )
    .addOption(
      new Option('--service-port <number>', '8080, or any free one when that is taken').argParser(port),
    )
    .addOption(new Option('--docker-host <address>', 'the docker engine').env('DOCKER_HOST'))
    .option('--no-example', 'do not deploy the example service')
    .action(dev)
}

async function dev(options: DevCommandOptions): Promise<void> {
  const directory = resolve(options.directory)
  const running = runningCluster(directory)
  if (running) {
    say(`A cluster runs from here already (process ${running.pids.dev}). Web page: ${running.master}`)
    say('Stop it with Ctrl-C where it was started, or start another one with --directory.')
    process.exitCode = exitStatus.failure
    return
  }
  const { dockerHost, masterPort, nats, servicePort } = options
  const cluster = new DevCluster({
    directory,
    agents: options.agents,
    containerizer: options.containerizer,
    natsPort: options.natsPort,
    ...(nats === undefined ? {} : { nats }),
    ...(masterPort === undefined ? {} : { masterPort }),
    ...(servicePort === undefined ? {} : { servicePort }),
    ...(dockerHost === undefined ? {} : { dockerHost }),
    env: process.env,
    home: homedir(),
    say,
  })
  const end = stopOnSignals(cluster)
  try {
    const file = await cluster.start()
    const urls = options.example ? await deployExample(cluster, file, directory) : []
    welcome(directory, file, urls)
  } catch (error) {
    say(pc.red(`The cluster could not be started: ${describeError(error)}`))
    say(`Logs: ${join(directory, 'logs')}`)
    await end(exitStatus.failure)
  }
}

/** The first signal stops the cluster in order; only the second one hurries. */
function stopOnSignals(cluster: DevCluster): (status: number) => Promise<never> {
  let isEnding = false
  const end = async (status: number): Promise<never> => {
    isEnding = true
    await cluster.stop().catch((error: unknown) => say(`Stopping failed: ${describeError(error)}`))
    process.exit(status)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(exitStatus.failure)
      say('Stopping the cluster; once more to stop at once.')
      void end(exitStatus.ok)
    })
  }
  return end
}

/** @returns where its instances answer */
async function deployExample(cluster: DevCluster, file: ClusterFile, directory: string): Promise<string[]> {
  const app = await readExample(join(examples, 'web', 'app.json'))
  const server = join(examples, 'web', 'server.mjs')
  const { engine } = cluster
  const image = app.container?.docker.image
  if (engine && image !== undefined) await buildExampleImage(engine, image, server)
  const definition = engine ? app : asProcess(app, server)
  await writeFile(exampleFile(directory), `${JSON.stringify(definition, null, 2)}\n`)
  await deploy({
    service: file.service,
    app: definition,
    timeoutMs: 60_000,
    progress: () => {},
  })
  const urls = await answering(file.service, app.id, app.instances, 20_000)
  say(`Example: ${app.id}, ${urls.length} instances answer`)
  return urls
}

function welcome(directory: string, file: ClusterFile, urls: readonly string[]): void {
  const lines = [
    '',
    pc.bold('The cluster runs.'),
    `  Web page            ${pc.cyan(file.master)}`,
    `  Service framework   ${pc.cyan(`${file.service}/v2/apps`)}`,
    ...urls.map(
      (url, index) => `  ${index === 0 ? 'Example service' : '               '}     ${pc.cyan(url)}`,
    ),
    `  Logs and data       ${directory}`,
    '',
    'Try, in another terminal:',
    '  npx tender agents',
    '  npx tender offers',
    '  npx tender apps',
    ...(urls.length > 0
      ? [`  npx tender deploy ${relative(process.cwd(), exampleFile(directory))} --wait`]
      : []),
    '  node dist/examples/hello.js',
    '',
    'Ctrl-C stops all of it.',
  ]
  say(lines.join('\n'))
}

/** The example as it was deployed here: to be changed and deployed again. */
function exampleFile(directory: string): string {
  return join(directory, 'hello-web.json')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
