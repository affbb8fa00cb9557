import type { TaskInfo } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import type { ContainerSpec } from './containerizer/containerizer.js'

interface Host {
  readonly sandbox: string
  readonly agentId: string
  readonly hostname: string
}

/** What a containerizer is asked for, for a task: its command, its limits and the environment that tells it who it is. */
export function containerSpec(frameworkId: string, info: TaskInfo, host: Host): ContainerSpec {
  const resources = Resources.fromWire(info.resources)
  const { container } = info
  return {
    frameworkId,
    taskId: info.taskId,
    command: info.args ?? (info.shell === undefined ? [] : ['/bin/sh', '-c', info.shell]),
    env: {
      TENDER_TASK_ID: info.taskId,
      TENDER_FRAMEWORK_ID: frameworkId,
      TENDER_AGENT_ID: host.agentId,
      TENDER_HOST: host.hostname,
      ...info.env,
    },
    ...(container ? { image: container.image } : {}),
    forcePull: container?.forcePull ?? false,
    network: container?.network ?? 'bridge',
    portMappings: (container?.portMappings ?? []).map(mapping => ({
      ...mapping,
      protocol: mapping.protocol ?? 'tcp',
    })),
    cpuMillis: resources.thousandths('cpus'),
    memMb: resources.scalar('mem'),
    labels: info.labels ?? {},
    sandbox: host.sandbox,
  }
}
