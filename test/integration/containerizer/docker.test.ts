import { expect } from 'chai'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type Dockerode from 'dockerode'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { ContainerSpec, ContainerStartError } from '../../../agent/containerizer/containerizer.js'
import { createOptions } from '../../../agent/containerizer/docker/create-options.js'
import { connectEngine } from '../../../agent/containerizer/docker/engine.js'
import { clusterLabel, containerName } from '../../../agent/containerizer/docker/labels.js'
import { ensureNetwork } from '../../../agent/containerizer/docker/network.js'
import { removeLabelled } from '../../../agent/containerizer/docker/remove-labelled.js'
import { adoptable, freePort, frameworkId, makeDockerRig, output, until, untilOutput } from './rig.js'
import { EngineProxy } from './engine-proxy.js'

describe('docker containerizer, with an engine', () => {
  let rig: Awaited<ReturnType<typeof makeDockerRig>>
  let docker: Dockerode

  beforeEach(async function () {
    rig = await makeDockerRig(this)
    docker = rig.engine.docker
  })

  afterEach(() => rig?.cleanUp())

  async function started(spec: ContainerSpec): Promise<Dockerode.ContainerInspectInfo> {
    const { handle } = await rig.containerizer.start(spec)
    return docker.getContainer(handle.kind === 'docker' ? handle.containerId : '').inspect()
  }

  async function refusal(spec: ContainerSpec): Promise<ContainerStartError> {
    return rig.containerizer.start(spec).then(
      () => expect.fail('it started'),
      (error: ContainerStartError) => error,
    )
  }

  async function made(spec: ContainerSpec): Promise<string> {
    const owner = { cluster: rig.cluster, agentId: 'agent-1' }
    const options = createOptions(spec, { owner, engineCpus: 1, networkId: undefined })
    return (await docker.createContainer(options)).id
  }

  it('limits CPU and memory, without swap', async () => {
    const { HostConfig: host } = await started(
      await rig.spec(['sleep', '1000'], { cpuMillis: 500, memMb: 64 }),
    )
    const mb64 = 64 * 1024 * 1024
    expect(host).to.deep.include({ NanoCpus: 500_000_000, CpuShares: 512, Memory: mb64, MemorySwap: mb64 })
  })

  it('limits nothing for 0, and no more CPUs than the engine has', async () => {
    const unlimited = await started(await rig.spec(['sleep', '1000'], { cpuMillis: 0, memMb: 0 }))
    expect(unlimited.HostConfig).to.deep.include({ NanoCpus: 0, CpuShares: 0, Memory: 0 })
    const many = await started(await rig.spec(['sleep', '1000'], { cpuMillis: 1_000_000 }))
    expect(many.HostConfig.NanoCpus).to.equal(rig.engine.cpus * 1e9)
  })

  it('says so when a task used more memory than it may', async () => {
    const spec = await rig.spec(['sh', '-c', 'tail -c 200000000 /dev/zero'], { memMb: 16, cpuMillis: 1000 })
    await rig.containerizer.start(spec)
    expect(await rig.told.exitOf(spec)).to.deep.include({ exitCode: 137, outOfMemory: true })
  })

  it('carries labels, runs under an init, and has the name that its task gives it', async () => {
    const spec = await rig.spec(['sleep', '1000'], { labels: { tier: 'web', [clusterLabel]: 'forged' } })
    const info = await started(spec)
    const owner = { cluster: rig.cluster, agentId: 'agent-1' }
    expect(info.Config.Labels).to.deep.include({
      tier: 'web',
      'tender.cluster': rig.cluster,
      'tender.agent': 'agent-1',
      'tender.framework': frameworkId,
      'tender.task': spec.taskId,
    })
    expect(info.HostConfig.Init).to.equal(true)
    expect(info.Name).to.equal(`/${containerName(owner, spec)}`)
  })

  it("answers on the host's port, from the cluster's own network", async () => {
    const hostPort = await freePort()
    const portMappings = [{ containerPort: 80, hostPort, protocol: 'tcp' } as const]
    const spec = await rig.spec(['nc', '-ll', '-p', '80', '-e', 'echo', 'hello'], {
      network: 'bridge',
      portMappings,
    })
    const info = await started(spec)
    expect(await answerOf(hostPort)).to.equal('hello\n')
    expect(Object.keys(info.NetworkSettings.Networks)).to.deep.equal([`tender-${rig.cluster}`])
  })

  it("tells the container's address on the network", async () => {
    const network = await rig.containerizer.start(await rig.spec(['sleep', '1000'], { network: 'bridge' }))
    const none = await rig.containerizer.start(await rig.spec(['sleep', '1000']))
    expect(network.ipAddress).to.match(/^\d+\.\d+\.\d+\.\d+$/)
    expect(none).not.to.have.property('ipAddress')
  })

  it('makes one network, however many agents make it at once', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => ensureNetwork(docker, rig.cluster)))
    const settled = await ensureNetwork(docker, rig.cluster)
    const networks = await docker.listNetworks({ filters: { name: [`tender-${rig.cluster}`] } })
    expect(networks.map(network => network.Id)).to.include(settled)
    expect(ids.every(id => networks.some(network => network.Id === id))).to.equal(true)
  })

  it('makes its network again when somebody has removed it', async () => {
    await rig.containerizer.start(await rig.spec(['true'], { network: 'bridge' }))
    await removeLabelled(docker, rig.cluster)
    const again = await rig.containerizer.start(await rig.spec(['sleep', '1000'], { network: 'bridge' }))
    expect(again.ipAddress).to.be.a('string')
  })

  describe('a container that an agent had made but not started when it was killed', () => {
    it('is the one that a repeated start starts', async () => {
      const spec = await rig.spec(['sleep', '1000'])
      const id = await made(spec)
      const info = await started(spec)
      expect([info.Id, info.State.Status]).to.deep.equal([id, 'running'])
    })

    it('was never started, for an agent that looks for it', async () => {
      const spec = await rig.spec(['sleep', '1000'])
      await made(spec)
      expect(await rig.containerizer.adopt([adoptable(spec)])).to.deep.equal([])
      expect(rig.told.exits.map(exit => exit.message)).to.deep.equal(['was never started'])
      expect(await rig.leftovers()).to.deep.equal([])
    })
  })

  it("does not touch somebody else's container of the same name", async () => {
    const spec = await rig.spec(['true'])
    const name = containerName({ cluster: rig.cluster, agentId: 'agent-1' }, spec)
    const foreign = await docker.createContainer({ name, Image: rig.image, Cmd: ['true'] })
    expect((await refusal(spec)).message).to.contain(name)
    await foreign.remove()
  })

  it('tells that a container was removed by somebody else', async () => {
    const spec = await rig.spec(['sleep', '1000'])
    const { Id } = await started(spec)
    await docker.getContainer(Id).remove({ force: true })
    expect((await rig.told.exitOf(spec)).message).to.equal('container was removed')
  })

  it('says why a program that is there cannot be run', async () => {
    const spec = await rig.spec(['/tmp'])
    await rig.containerizer.start(spec)
    const exit = await rig.told.exitOf(spec)
    expect([126, 127]).to.include(exit.exitCode)
    expect(exit.message).to.contain('/tmp')
  })

  it('does not write through a link that a task has put in place of its output', async () => {
    const victim = join(rig.root, 'victim')
    await writeFile(victim, 'precious')
    const script = 'cd "$TENDER_SANDBOX"; ln -sf "$VICTIM" stdout; echo ready >&2; exec sleep 1000'
    const spec = await rig.spec(['sh', '-c', script], { env: { VICTIM: victim } })
    const { handle } = await rig.containerizer.start(spec)
    await until(async () => (await output(spec, 'stderr')).includes('ready'))
    await rig.restart()
    await rig.containerizer.adopt([adoptable(spec, handle)])
    await rig.containerizer.stop(spec, 0)
    await rig.told.exitOf(spec)
    expect(await readFile(victim, 'utf8')).to.equal('precious')
  })

  describe('an image', () => {
    it('that no registry has is refused by name', async () => {
      const registry = await fakeRegistry()
      const error = await refusal(await rig.spec([], { image: `${registry.address}/no-such-image:1` }))
      registry.close()
      expect(error.reason).to.equal('image-not-found')
      expect(error.message).to.contain(`${registry.address}/no-such-image:1`)
      expect(rig.told.pulls).to.deep.equal([`${registry.address}/no-such-image:1`])
      expect(await rig.leftovers()).to.deep.equal([])
    })

    it('whose registry cannot be reached is not said to be missing', async () => {
      const error = await refusal(await rig.spec([], { image: `127.0.0.1:${await freePort()}/image:1` }))
      expect(error.reason).to.equal('image-pull-failed')
      expect(error.message).to.contain('connection refused')
    })

    it('whose registry says nothing fails in the end', async () => {
      const registry = await fakeRegistry({ silent: true })
      rig.pullStallMs = 300
      const error = await refusal(await rig.spec([], { image: `${registry.address}/image:1` }))
      registry.close()
      expect(error.reason).to.equal('image-pull-failed')
      expect(error.message).to.contain('no progress for 0.3 s')
    })

    it('is not waited for by a task that is stopped', async () => {
      const registry = await fakeRegistry({ silent: true })
      const spec = await rig.spec([], { image: `${registry.address}/image:1` })
      const refused = refusal(spec)
      await registry.asked
      await rig.containerizer.stop(spec, 1_000)
      expect((await refused).reason).to.equal('stopped')
      registry.close()
    })

    it('that is here is pulled only when that is forced', async () => {
      await rig.containerizer.start(await rig.spec(['true']))
      expect(rig.told.pulls).to.deep.equal([])
      const error = await refusal(await rig.spec(['true'], { forcePull: true }))
      expect(rig.told.pulls).to.deep.equal([rig.image])
      expect(error.reason).to.match(/^image-/)
    })
  })

  it('clears away a whole cluster and nothing else', async function () {
    const other = await makeDockerRig(this)
    await other.containerizer.start(await other.spec(['sleep', '1000']))
    await started(await rig.spec(['sleep', '1000'], { network: 'bridge' }))
    await removeLabelled(docker, rig.cluster)
    expect(await rig.leftovers()).to.deep.equal([])
    expect(await docker.listNetworks({ filters: { name: [`tender-${rig.cluster}`] } })).to.deep.equal([])
    expect(await other.leftovers()).to.have.length(1)
    await other.cleanUp()
  })

  it('goes on when the engine was away for a while', async () => {
    const proxy = await EngineProxy.listen()
    const { engine } = rig
    rig.engine = { ...engine, docker: proxy.docker }
    const script = 'echo ready; while [ ! -e "$TENDER_SANDBOX/go" ]; do sleep 0.02; done; echo gone; exit 7'
    const spec = await rig.spec(['sh', '-c', script])
    await rig.containerizer.start(spec)
    await untilOutput(spec, 'ready')
    await proxy.away()
    await writeFile(join(spec.sandbox, 'go'), '')
    await until(async () => (await rig.engineLeftovers(docker)).every(one => one.includes('exited')))
    expect(rig.told.exits).to.deep.equal([])
    await proxy.back()
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(7)
    expect(await output(spec)).to.equal('ready\ngone\n')
    await rig.restart()
    rig.engine = engine
    await proxy.away()
  })
})

describe('connecting to an engine', () => {
  it('gives nothing, and says why, when there is none', async () => {
    const reasons: string[] = []
    const engine = await connectEngine({
      host: 'unix:///nowhere/docker.sock',
      onUnavailable: reason => reasons.push(reason),
    })
    expect(engine).to.equal(undefined)
    expect(reasons.join()).to.contain('/nowhere/docker.sock')
  })
})

interface Registry {
  readonly address: string
  /** Resolves when the engine has asked for something. */
  readonly asked: Promise<unknown>
  close(): void
}

/** A registry that has no image at all, or one that does not answer. */
async function fakeRegistry({ silent = false } = {}): Promise<Registry> {
  const server: Server = createServer((request, response) => {
    if (silent) return
    response.statusCode = request.url === '/v2/' ? 200 : 404
    response.end(
      request.url === '/v2/' ? '{}' : '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}',
    )
  }).listen(0, '127.0.0.1')
  const asked = once(server, 'connection')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { address: `127.0.0.1:${port}`, asked, close }
}

async function answerOf(port: number): Promise<string> {
  for (;;) {
    const answer = await text(connect(port, '127.0.0.1')).catch(() => '')
    if (answer !== '') return answer
  }
}
