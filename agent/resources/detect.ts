import { mkdir, readFile, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { type CgroupLimits, readCgroupLimits } from './cgroup.js'

/** What was measured of a host. */
export interface HostFacts extends CgroupLimits {
  /** Cores that this process may use. */
  readonly cpus: number
  readonly memBytes: number
  /** Size of the file system that holds the agent's work directory. */
  readonly diskBytes: number
}

const bytesPerMb = 1024 * 1024
/** What is left to the host itself, in MiB; half, where that would be more than half. */
const memForHostMb = 1_024
const diskForHostMb = 5_120
const ports = '[31000-32000]'

/** What this host has to offer, in the text form of resources. */
export async function detectResources(workDir: string): Promise<string> {
  return resourcesText(await measureHost(workDir))
}

export function resourcesText(facts: HostFacts): string {
  const cpus = Math.min(facts.cpus, facts.cpuLimit ?? Infinity)
  const memMb = Math.min(facts.memBytes, facts.memLimitBytes ?? Infinity) / bytesPerMb
  const diskMb = facts.diskBytes / bytesPerMb
  return [
    `cpus:${Math.floor(cpus * 1000) / 1000}`,
    `mem:${lessHostShare(memMb, memForHostMb)}`,
    `disk:${lessHostShare(diskMb, diskForHostMb)}`,
    `ports:${ports}`,
  ].join(';')
}

function lessHostShare(totalMb: number, forHostMb: number): number {
  return Math.floor(totalMb < 2 * forHostMb ? totalMb / 2 : totalMb - forHostMb)
}

export async function measureHost(workDir: string): Promise<HostFacts> {
  await mkdir(workDir, { recursive: true })
  const disk = await statfs(workDir)
  const limits = await readCgroupLimits(path => readFile(path, 'utf8').catch(() => undefined))
  return {
    cpus: availableParallelism(),
    memBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    ...limits,
  }
}
