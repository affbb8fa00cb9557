import type { Command } from 'commander'
import type { WireResources } from '@tender/sdk/values'
import { addMasterOptions, type MasterOptions, operate, type Write } from '../operate.js'
import { resources } from '../options.js'

/** Setting resources of agents aside for roles, and volumes on them. */
export function addReservationCommands(program: Command): void {
  add(program.command('reserve'), 'set resources of an agent aside for a role', 'cpus(web,dynamic):2', [
    'POST',
    '/reservations',
  ])
  add(program.command('unreserve'), 'end a dynamic reservation that no task holds', 'cpus(web,dynamic):2', [
    'DELETE',
    '/reservations',
  ])
  const volumes = program.command('volumes').description('directories on reserved disk that outlive tasks')
  add(volumes.command('create'), 'make volumes of reserved disk', 'disk(web,dynamic)[data:/data]:100', [
    'POST',
    '/volumes',
  ])
  add(
    volumes.command('destroy'),
    'destroy volumes, and what is in them',
    'disk(web,dynamic)[data:/data]:100',
    ['DELETE', '/volumes'],
  )
}

function add(command: Command, description: string, example: string, [method, path]: Write): void {
  command
    .description(description)
    .argument('<agent>', 'its id')
    .argument('<resources>', `such as '${example}'`, resources)
  addMasterOptions(command).action((agentId: string, resources: WireResources, options: MasterOptions) =>
    operate(options, [method, path, { agentId, resources }]),
  )
}
