import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ContainerSpec } from '../../../../agent/containerizer/containerizer.js'
import { createOptions } from '../../../../agent/containerizer/docker/create-options.js'
import { containerName } from '../../../../agent/containerizer/docker/labels.js'

const owner = { cluster: 'c', agentId: 'a' }
const context = { owner, engineCpus: 4, networkId: undefined }

const spec: ContainerSpec = {
  frameworkId: 'web',
  taskId: 'web.1',
  command: ['serve', '--all'],
  env: { COLOUR: 'blue' },
  image: 'server:1',
  forcePull: false,
  network: 'none',
  portMappings: [],
  cpuMillis: 1500,
  memMb: 128,
  labels: { tier: 'front' },
  sandbox: '/var/tender/sandboxes/web/web.1',
}

describe("a docker container's name", () => {
  it('is readable, legal, and the same for every start of a task', () => {
    const name = containerName(owner, spec)
    expect(name).to.match(/^tender\.web\.web\.1\.[0-9a-f]{16}$/)
    expect(containerName(owner, { ...spec })).to.equal(name)
  })

  it('differs where only the places of the dots differ', () => {
    const one = containerName(owner, { frameworkId: 'a', taskId: 'b.c' })
    expect(one).not.to.equal(containerName(owner, { frameworkId: 'a.b', taskId: 'c' }))
  })

  it('differs between agents and clusters', () => {
    const names = ['a1', 'a2'].flatMap(agentId =>
      ['c1', 'c2'].map(cluster => containerName({ cluster, agentId }, spec)),
    )
    expect(new Set(names).size).to.equal(4)
  })

  it('stays short and legal whatever the ids are', () => {
    const name = containerName(owner, { frameworkId: 'f/ö'.repeat(300), taskId: '../..' })
    expect(name).to.match(/^[A-Za-z0-9][A-Za-z0-9_.-]{1,127}$/)
  })
})

describe('what a docker container is made of', () => {
  it('is what the task says', () => {
    expect(createOptions(spec, context)).to.deep.equal({
      name: containerName(owner, spec),
      Image: 'server:1',
      Cmd: ['serve', '--all'],
      Env: ['COLOUR=blue', 'TENDER_SANDBOX=/mnt/tender/sandbox'],
      Labels: {
        tier: 'front',
        'tender.cluster': 'c',
        'tender.agent': 'a',
        'tender.framework': 'web',
        'tender.task': 'web.1',
      },
      HostConfig: {
        NanoCpus: 1_500_000_000,
        CpuShares: 1536,
        Memory: 128 * 1024 * 1024,
        MemorySwap: 128 * 1024 * 1024,
        NetworkMode: 'none',
        Init: true,
        Mounts: [{ Type: 'bind', Source: '/var/tender/sandboxes/web/web.1', Target: '/mnt/tender/sandbox' }],
        LogConfig: { Type: 'json-file', Config: {} },
        RestartPolicy: { Name: 'no' },
      },
    })
  })

  it("leaves the image's own command in place when the task has none", () => {
    expect(createOptions({ ...spec, command: [] }, context)).not.to.have.property('Cmd')
  })

  it('stays within what the engine accepts', () => {
    const tiny = createOptions({ ...spec, cpuMillis: 1, memMb: 1 }, context).HostConfig
    expect(tiny).to.deep.include({ NanoCpus: 10_000_000, CpuShares: 2, Memory: 6 * 1024 * 1024 })
    const huge = createOptions({ ...spec, cpuMillis: 1_000_000 }, context).HostConfig
    expect(huge).to.deep.include({ NanoCpus: 4e9, CpuShares: 262_144 })
  })

  it('has no limit for 0', () => {
    const { HostConfig: host } = createOptions({ ...spec, cpuMillis: 0, memMb: 0 }, context)
    expect(host).not.to.have.any.keys('NanoCpus', 'CpuShares', 'Memory', 'MemorySwap')
  })

  const portMappings = [
    { containerPort: 80, hostPort: 31_000, protocol: 'tcp' },
    { containerPort: 80, hostPort: 31_001, protocol: 'tcp' },
    { containerPort: 53, hostPort: 31_002, protocol: 'udp' },
  ] as const

  it('is reached by the mapped ports and no others, on the network given by id', () => {
    const bridged = createOptions(
      { ...spec, network: 'bridge', portMappings },
      { ...context, networkId: 'n1' },
    )
    expect(bridged.ExposedPorts).to.deep.equal({ '80/tcp': {}, '53/udp': {} })
    expect(bridged.HostConfig).to.deep.include({
      NetworkMode: 'n1',
      PortBindings: {
        '80/tcp': [{ HostPort: '31000' }, { HostPort: '31001' }],
        '53/udp': [{ HostPort: '31002' }],
      },
    })
    expect(bridged.HostConfig).not.to.have.property('PublishAllPorts')
  })

  it("maps no ports on the host's own network, where the container has them all", () => {
    const options = createOptions({ ...spec, network: 'host', portMappings }, context)
    expect(options).not.to.have.property('ExposedPorts')
    expect(options.HostConfig)
      .to.deep.include({ NetworkMode: 'host' })
      .and.not.to.have.property('PortBindings')
  })
})
