import { type Command, Option } from 'commander'
import type { ReadableStream } from 'node:stream/web'
import { request } from '../client.js'
import { masterOption, positiveInteger } from '../options.js'

interface LogsOptions {
  readonly master: string
  readonly framework?: string
  readonly stderr: boolean
  readonly follow: boolean
  readonly tail?: number
}

export function addLogsCommand(program: Command): void {
  program
    .command('logs <task>')
    .description('print what a task has written to its standard output')
    .addOption(masterOption())
    .option('--framework <id>', 'whose task it is, when several frameworks use the same id')
    .option('--stderr', 'its standard error instead', false)
    .option('--follow', 'go on until the task has ended', false)
    .addOption(new Option('--tail <bytes>', 'only so much of the end').argParser(positiveInteger))
    .action(async (task: string, options: LogsOptions) => {
      const url = new URL(`/api/v1/tasks/${encodeURIComponent(task)}/logs`, options.master)
      url.searchParams.set('stream', options.stderr ? 'stderr' : 'stdout')
      if (options.follow) url.searchParams.set('follow', 'true')
      if (options.framework !== undefined) url.searchParams.set('framework', options.framework)
      if (options.tail !== undefined) url.searchParams.set('offset', String(-options.tail))
      const { body } = await request('master', url)
      for await (const chunk of (body ?? []) as ReadableStream<Uint8Array>) process.stdout.write(chunk)
    })
}
