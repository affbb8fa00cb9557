import type Dockerode from 'dockerode'

/** Idle is when the engine has nothing left to do either: it removes a container for longer than it says. */
export async function untilQuiet(docker: Dockerode, cluster: string): Promise<void> {
  const filters = { label: [`tender.cluster=${cluster}`] }
  while ((await docker.listContainers({ all: true, filters })).length > 0) await sleep(20)
  await sleep(300)
}

async function sleep(ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}
