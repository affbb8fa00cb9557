import { type Container, Resources, type ResourceValue, type Task, toThousandths } from '@tender/sdk'
import type { App } from '../definition/index.js'
import { environmentOf } from './environment.js'
import { asRanges, portWishes } from './ports.js'
import type { InstanceRecord } from './records.js'

/** `/shop/cart` and an instance's id make `shop_cart.<id>`: no app's id has a `_`, so no two apps share a name. */
export function taskIdOf(appId: string, instanceId: string): string {
  return `${appId.slice(1).replaceAll('/', '_')}.${instanceId}`
}

/** What one instance takes of an agent, without its ports. */
export function amountsOf({ cpus, mem, disk }: App): Resources {
  return Resources.of(
    Object.entries({ cpus, mem, disk }).map(([name, amount]) => [name, scalar(amount)] as const),
  )
}

export function portsResource(ports: readonly number[]): Resources {
  return Resources.of([['ports', { kind: 'ranges', ranges: asRanges(ports) }]])
}

function scalar(amount: number): ResourceValue {
  return { kind: 'scalar', thousandths: toThousandths(amount) }
}

/** The task that runs an instance. */
export function taskOf(app: App, instance: InstanceRecord): Task {
  const { cmd, args, container, taskKillGracePeriodSeconds } = app
  return {
    taskId: instance.taskId,
    name: app.id,
    resources: amountsOf(app).plus(portsResource(instance.hostPorts)),
    ...(cmd === undefined ? {} : { shell: cmd }),
    ...(args === undefined ? {} : { args }),
    env: environmentOf(app, instance),
    labels: app.labels,
    ...(container === undefined ? {} : { container: containerOf(app, container.docker, instance) }),
    ...(taskKillGracePeriodSeconds === undefined ? {} : { killGraceMs: taskKillGracePeriodSeconds * 1000 }),
  }
}

function containerOf(
  app: App,
  { image, forcePullImage }: { image: string; forcePullImage: boolean },
  instance: InstanceRecord,
): Container {
  const common = { image, ...(forcePullImage ? { forcePull: true } : {}) }
  if (app.networks[0].mode === 'host') return { ...common, network: 'host' }
  return {
    ...common,
    network: 'bridge',
    portMappings: portWishes(app).flatMap(({ name, protocols, containerPort }, index) => {
      const hostPort = instance.hostPorts[index] ?? 0
      return protocols.map(protocol => ({
        containerPort: containerPort || hostPort,
        hostPort,
        protocol,
        ...(name === undefined ? {} : { name }),
      }))
    }),
  }
}
