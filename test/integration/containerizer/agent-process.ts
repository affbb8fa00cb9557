/** Run as a process of its own: starts the task that its standard input describes, says so, and stays until killed. */
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { silentLog } from '@tender/sdk/runtime'
import type { ContainerSpec } from '../../../agent/containerizer/containerizer.js'
import { baseEnvironment } from '../../../agent/containerizer/process/environment.js'
import { ProcessContainerizer } from '../../../agent/containerizer/process/process-containerizer.js'
import { Sandboxes } from '../../../agent/containerizer/sandbox.js'
import { Told } from './told.js'

const spec: ContainerSpec = JSON.parse(await text(process.stdin))
const containerizer = new ProcessContainerizer({
  log: silentLog,
  events: new Told(),
  sandboxes: new Sandboxes(join(spec.sandbox, '../../..'), silentLog),
  environment: baseEnvironment(process.env),
})
console.log(JSON.stringify(await containerizer.start(spec)))
