import type Dockerode from 'dockerode'
import { Limit } from '../limit.js'
import { callTimeoutMs, statusOf } from './engine.js'
import { clusterLabel } from './labels.js'

/** Removes all containers of a cluster, running or not, and its network. Safe to repeat. */
export async function removeLabelled(docker: Dockerode, cluster: string): Promise<void> {
  const filters = { label: [`${clusterLabel}=${cluster}`] }
  const containers = await docker.listContainers({ all: true, filters })
  const limit = new Limit(4)
  await Promise.all(containers.map(({ Id }) => limit.run(() => removeContainer(docker.getContainer(Id)))))
  const networks = await docker.listNetworks({ filters })
  await Promise.all(networks.map(({ Id }) => absentIsFine(docker.getNetwork(Id).remove())))
}

/** Removes a container, running or not, with its anonymous volumes. That it is gone, or just going, is fine. */
export async function removeContainer(container: Dockerode.Container): Promise<void> {
  const abortSignal = AbortSignal.timeout(callTimeoutMs)
  await absentIsFine(container.remove({ force: true, v: true, abortSignal }))
}

async function absentIsFine(removal: Promise<unknown>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
  }
}
