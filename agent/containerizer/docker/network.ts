import type Dockerode from 'dockerode'
import { clusterLabel } from './labels.js'
import { statusOf } from './engine.js'

/** The cluster's own network; the engine's `docker0` belongs to everybody, and other engines may take it away. */
export function networkName(cluster: string): string {
  return `tender-${cluster}`
}

/**
 * The id of the cluster's network on this engine, made if it is missing. Names of networks are not unique in docker, so
 * two agents that make it at once may end up with two: the older one is the network, whoever made another removes it.
 * Containers are attached by id, therefore, never by name.
 */
export async function ensureNetwork(docker: Dockerode, cluster: string): Promise<string> {
  const found = await oldestNetwork(docker, cluster)
  if (found !== undefined) return found
  const made = await createNetwork(docker, cluster)
  const chosen = (await oldestNetwork(docker, cluster)) ?? made
  if (chosen === undefined)
    throw new Error(`network ${networkName(cluster)} vanished while it was being made`)
  // Refused when somebody has already attached a container to it: then it stays, which does no harm.
  if (made !== undefined && made !== chosen)
    await docker
      .getNetwork(made)
      .remove()
      .catch(() => undefined)
  return chosen
}

async function createNetwork(docker: Dockerode, cluster: string): Promise<string | undefined> {
  try {
    const network = await docker.createNetwork({
      Name: networkName(cluster),
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: { [clusterLabel]: cluster },
    })
    return network.id
  } catch (error) {
    if (statusOf(error) === 409) return undefined
    throw error
  }
}

async function oldestNetwork(docker: Dockerode, cluster: string): Promise<string | undefined> {
  const networks = await docker.listNetworks({ filters: { label: [`${clusterLabel}=${cluster}`] } })
  return networks
    .filter(network => network.Name === networkName(cluster))
    .map(network => ({ id: network.Id, made: `${network.Created} ${network.Id}` }))
    .toSorted((a, b) => (a.made < b.made ? -1 : 1))[0]?.id
}
