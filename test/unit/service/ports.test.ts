import { expect } from 'chai'
import { describe, it } from 'mocha'
import { choosePorts } from '../../../frameworks/service/core/ports.js'
import { World } from './support/world.js'

const app = { id: '/shop/cart', cmd: './serve', cpus: 0.5, mem: 64 }

function launched(definition: Readonly<Record<string, unknown>>, ports = '[31000-31001]') {
  const world = new World({ a1: `cpus:4;mem:4096;ports:${ports}` })
  world.put(definition)
  const task = world.live()[0]
  if (!task) throw new Error(world.waiting('/shop/cart')?.message)
  return task
}

describe('service: ports and environment', () => {
  it('gives an app on the host network ports of the offer, by number and by name', () => {
    const { task, resources } = launched({
      ...app,
      portDefinitions: [{ name: 'http' }, { name: 'admin-api', protocol: 'udp' }],
    })
    const { PORT0 = '', PORT1 = '' } = task.env ?? {}
    expect([PORT0, PORT1]).to.have.members(['31000', '31001'])
    expect(task.env).to.include({
      PORT: PORT0,
      PORTS: `${PORT0},${PORT1}`,
      PORT_HTTP: PORT0,
      PORT_ADMIN_API: PORT1,
      TENDER_LISTEN_PORT: PORT0,
      TENDER_LISTEN_PORT1: PORT1,
      HOST: 'a1.example',
    })
    expect(resources.toString()).to.equal('cpus:0.5;mem:64;ports:[31000-31001]')
  })

  it('tells a task who it is, in words of Marathon and of Tender', () => {
    const { task } = launched({ ...app, labels: { team: 'web', 'a.b': 'c' }, env: { HOST: 'mine' } })
    expect(task.env).to.include({
      TENDER_APP_ID: '/shop/cart',
      TENDER_TASK_ID: task.taskId,
      TENDER_AGENT_ID: 'a1',
      MESOS_TASK_ID: task.taskId,
      MARATHON_APP_ID: '/shop/cart',
      MARATHON_APP_RESOURCE_CPUS: '0.5',
      MARATHON_APP_LABELS: 'TEAM A_B',
      MARATHON_APP_LABEL_A_B: 'c',
      HOST: 'mine',
    })
    expect(task.taskId).to.match(/^shop_cart\.[0-9a-f]+$/)
  })

  it('gives an app that says nothing of ports one, and one with an empty list none', () => {
    expect(launched(app).task.env).to.have.property('PORT0')
    expect(launched({ ...app, portDefinitions: [] }).task.env).not.to.have.property('PORT0')
    expect(launched({ ...app, ports: [0, 0] }).task.env).to.have.property('PORT1')
  })

  it('takes exactly the ports that are named if they are required, else any', () => {
    expect(launched({ ...app, ports: [31_001], requirePorts: true }).task.env).to.include({ PORT0: '31001' })
    expect(launched({ ...app, ports: [80] }).task.env?.PORT0).to.be.oneOf(['31000', '31001'])
  })

  it('maps ports of a container on a bridge', () => {
    const { task } = launched({
      id: '/shop/cart',
      container: {
        docker: { image: 'nginx', forcePullImage: true },
        portMappings: [
          { containerPort: 8080, hostPort: 0, name: 'http' },
          { containerPort: 53, hostPort: 31_001, protocol: 'udp,tcp' },
        ],
      },
      networks: [{ mode: 'container/bridge' }],
    })
    expect(task.container).to.deep.equal({
      image: 'nginx',
      forcePull: true,
      network: 'bridge',
      portMappings: [
        { containerPort: 8080, hostPort: 31_000, protocol: 'tcp', name: 'http' },
        { containerPort: 53, hostPort: 31_001, protocol: 'udp' },
        { containerPort: 53, hostPort: 31_001, protocol: 'tcp' },
      ],
    })
    expect(task.env).to.include({ PORT0: '31000', PORT_8080: '31000', PORT_HTTP: '31000' })
    expect(task.env).to.include({ TENDER_LISTEN_PORT: '8080', TENDER_LISTEN_PORT1: '53' })
    expect(task).not.to.have.any.keys('shell', 'args')
  })

  it('lets containerPort 0 be the same as the host port', () => {
    const { task } = launched({
      id: '/shop/cart',
      container: { docker: { image: 'nginx', network: 'BRIDGE', portMappings: [{}] } },
    })
    const [mapping] = task.container?.portMappings ?? []
    expect(mapping?.containerPort).to.equal(mapping?.hostPort)
    expect(task.env?.TENDER_LISTEN_PORT).to.equal(String(mapping?.hostPort))
  })

  it('never gives one port of an agent to two instances', () => {
    const world = new World({ a1: 'cpus:8;mem:4096;ports:[31000-31003]' })
    world.put({ ...app, instances: 5 })
    const ports = world.live().map(task => task.task.env?.PORT0)
    expect(ports).to.have.members(['31000', '31001', '31002', '31003'])
  })

  it('does not always choose the lowest, so that one occupied port does not fail every instance', () => {
    const chosen = ['a', 'b', 'c', 'd'].map(id => choosePorts([[31_000, 31_999]], [anyPort], id)?.[0])
    expect(new Set(chosen).size).to.equal(4)
  })
})

const anyPort = { name: undefined, protocols: ['tcp' as const], hostPort: 0, containerPort: undefined }
