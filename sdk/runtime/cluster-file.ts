import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What `tender dev` writes to `.tender/cluster.json`: where the parts of the cluster are. */
export interface ClusterFile {
  readonly cluster: string
  readonly nats: string
  readonly master: string
  readonly service: string
  readonly containerizer: 'docker' | 'process'
  /** Process ids by part: `dev`, `nats`, `master`, `agent-1` … */
  readonly pids: Readonly<Record<string, number>>
}

/** Where to find a cluster: from the environment, else from the file of one that runs here, else the defaults. */
export type ClusterAddress = Pick<ClusterFile, 'cluster' | 'nats' | 'master' | 'service'>

const defaults: ClusterAddress = {
  cluster: 'default',
  nats: 'nats://127.0.0.1:4222',
  master: 'http://127.0.0.1:5050',
  service: 'http://127.0.0.1:8080',
}

/**
 * Finds the cluster to talk to: `TENDER_CLUSTER`, `TENDER_NATS`, `TENDER_MASTER` and `TENDER_SERVICE` win over
 * `.tender/cluster.json` in this directory or one above, which wins over the default ports of this machine. A variable that
 * is set to nothing counts as not set.
 *
 * @example
 * const { nats, cluster } = findCluster(process.env, process.cwd())
 */
export function findCluster(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): ClusterAddress {
  const file = readClusterFile(directory) ?? defaults
  return {
    cluster: env.TENDER_CLUSTER || file.cluster,
    nats: env.TENDER_NATS || file.nats,
    master: env.TENDER_MASTER || file.master,
    service: env.TENDER_SERVICE || file.service,
  }
}

/** The nearest `.tender/cluster.json`, here or above. */
export function readClusterFile(directory: string): ClusterFile | undefined {
  for (let here = directory; ; here = dirname(here)) {
    try {
      return JSON.parse(readFileSync(join(here, '.tender', 'cluster.json'), 'utf8')) as ClusterFile
    } catch {
      if (dirname(here) === here) return undefined
    }
  }
}
