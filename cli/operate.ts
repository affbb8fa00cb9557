import type { Command } from 'commander'
import type { ChangesView } from '../master/core/view.js'
import { requestJson } from './client.js'
import { masterOption } from './options.js'
import { changesText } from './output/changes.js'
import { print } from './output/text.js'

/** What all commands have that ask the master for something. */
export interface MasterOptions {
  readonly master: string
  readonly json: boolean
}

export function addMasterOptions(command: Command): Command {
  return command.addOption(masterOption()).option('--json', 'as JSON', false)
}

export type Write = readonly [method: 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown]

/** Asks the master to change something, and prints what has changed. @throws EndpointError saying why it was refused */
export async function operate(options: MasterOptions, [method, path, body]: Write): Promise<void> {
  const url = new URL(`/api/v1${path}`, options.master)
  const answer = (await requestJson('master', url, { method, body })) as ChangesView
  print(options.json ? JSON.stringify(answer, null, 2) : changesText(answer))
}
