import { readFile } from 'node:fs/promises'
import type { ClusterFile } from '@tender/sdk/runtime'
import { until } from './until.js'

/**
 * Ends the nats-server of a cluster that was killed and could not stop it: two servers on one store would destroy it.
 * A process is only taken for that server when its command line names this directory, since the pid may be another's
 * by now. (The other parts end by themselves, with their standard input.)
 */
export async function stopLeftoverNats(file: ClusterFile | undefined, directory: string): Promise<boolean> {
  const pid = file?.pids.nats
  if (pid === undefined || !(await isServerOf(pid, directory))) return false
  process.kill(pid, 'SIGTERM')
  await until('the end of the old nats-server', 10_000, async () =>
    (await isServerOf(pid, directory)) ? undefined : true,
  )
  return true
}

async function isServerOf(pid: number, directory: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.includes('nats-server') && command.includes(directory)
}
