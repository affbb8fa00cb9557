import { readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterFile } from '@tender/sdk/runtime'

/** `.tender/cluster.json` of this directory: what runs, for the CLI and the examples to find. */
export async function writeClusterFile(directory: string, file: ClusterFile): Promise<void> {
  const path = join(directory, 'cluster.json')
  await mkdir(directory, { recursive: true })
  await writeFile(`${path}.next`, `${JSON.stringify(file, null, 2)}\n`)
  await rename(`${path}.next`, path)
}

export async function removeClusterFile(directory: string): Promise<void> {
  await rm(join(directory, 'cluster.json'), { force: true })
}

/** The file in this very directory, whatever it is called; also one that a killed cluster has left. */
export function clusterFileIn(directory: string): ClusterFile | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'cluster.json'), 'utf8')) as ClusterFile
  } catch {
    return undefined
  }
}

/** The cluster that runs from this directory now; undefined when its file is left over from one that has died. */
export function runningCluster(directory: string): ClusterFile | undefined {
  const file = clusterFileIn(directory)
  return file && file.pids.dev !== undefined && isAlive(file.pids.dev) ? file : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return pid !== process.pid
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
