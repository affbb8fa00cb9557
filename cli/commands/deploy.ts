import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { describeError } from '@tender/sdk/runtime'
import { deploy } from '../deploy/deploy.js'
import { progressOn } from '../deploy/progress.js'
import { duration, serviceOption } from '../options.js'

interface DeployCommandOptions {
  readonly service: string
  readonly wait: boolean
  readonly timeout: number
}

export function addDeployCommand(program: Command): void {
  program
    .command('deploy <file>')
    .description("deploy an app, or change it: a definition in Marathon's JSON")
    .addOption(serviceOption())
    .option('--wait', 'until all instances run; says why when they do not', false)
    .addOption(
      new Option('--timeout <duration>', 'how long to wait').default(120_000, '2m').argParser(duration),
    )
    .action(async (file: string, options: DeployCommandOptions) => {
      const app = await readDefinition(file)
      const progress = progressOn(process.stdout)
      const { service, timeout: timeoutMs, wait } = options
      try {
        await deploy({ service, app, timeoutMs, noWait: !wait, progress: app => progress.show(app) })
      } finally {
        progress.end()
      }
      process.stdout.write(
        wait ? `${String(app.id)} runs.\n` : `${String(app.id)} is deployed; see: tender apps\n`,
      )
    })
}

async function readDefinition(file: string): Promise<{ id?: unknown }> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read ${file}`, { cause: error })
  }
  try {
    const app = JSON.parse(text) as unknown
    if (typeof app === 'object' && app !== null && !Array.isArray(app)) return app
  } catch (error) {
    throw new Error(`${file} is not JSON: ${describeError(error)}`, { cause: error })
  }
  throw new Error(`${file} must hold one app, a JSON object such as examples/web/app.json`)
}
