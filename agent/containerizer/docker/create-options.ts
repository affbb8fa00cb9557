import type Dockerode from 'dockerode'
import type { ContainerSpec } from '../containerizer.js'
import { type ContainerOwner, containerName, tenderLabels } from './labels.js'

/** Where a task finds its sandbox; also in its environment as TENDER_SANDBOX. */
export const sandboxMount = '/mnt/tender/sandbox'

/** The engine refuses what is outside of these and, for CPUs, what is above what it has. */
const minMemoryMb = 6
const minCpuMillis = 10
const minCpuShares = 2
const maxCpuShares = 262_144

export interface CreateContext {
  readonly owner: ContainerOwner
  /** CPUs that the engine has. */
  readonly engineCpus: number
  /** The id of the cluster's network, for network mode `bridge`. */
  readonly networkId: string | undefined
}

export function createOptions(spec: ContainerSpec, context: CreateContext): Dockerode.ContainerCreateOptions {
  const bridged = spec.network === 'bridge'
  return {
    name: containerName(context.owner, spec),
    Image: spec.image ?? '',
    ...(spec.command.length > 0 ? { Cmd: [...spec.command] } : {}),
    Env: Object.entries({ ...spec.env, TENDER_SANDBOX: sandboxMount }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: { ...spec.labels, ...tenderLabels(context.owner, spec) },
    ...(bridged ? { ExposedPorts: exposedPorts(spec) } : {}),
    HostConfig: {
      ...cpuLimits(spec.cpuMillis, context.engineCpus),
      ...memoryLimits(spec.memMb),
      ...(bridged ? { PortBindings: portBindings(spec) } : {}),
      NetworkMode: context.networkId ?? spec.network,
      // A program that is process 1 itself has no default signal handling: SIGTERM would do nothing to most of them.
      Init: true,
      Mounts: [{ Type: 'bind', Source: spec.sandbox, Target: sandboxMount }],
      // The engine's default may be a driver that cannot be read back, or one that drops old lines.
      LogConfig: { Type: 'json-file', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  }
}

function cpuLimits(cpuMillis: number, engineCpus: number): Dockerode.HostConfig {
  if (cpuMillis === 0) return {}
  const limitMillis = Math.min(Math.max(cpuMillis, minCpuMillis), engineCpus * 1000)
  return {
    NanoCpus: limitMillis * 1_000_000,
    CpuShares: Math.min(Math.max(Math.round((cpuMillis * 1024) / 1000), minCpuShares), maxCpuShares),
  }
}

/** MemorySwap is memory and swap together: the same figure means no swap, so that the limit is the limit. */
function memoryLimits(memMb: number): Dockerode.HostConfig {
  if (memMb === 0) return {}
  const bytes = Math.floor(Math.max(memMb, minMemoryMb) * 1024 * 1024)
  return { Memory: bytes, MemorySwap: bytes }
}

function exposedPorts(spec: ContainerSpec): Record<string, object> {
  return Object.fromEntries(
    spec.portMappings.map(({ containerPort, protocol }) => [`${containerPort}/${protocol}`, {}]),
  )
}

function portBindings(spec: ContainerSpec): Dockerode.PortMap {
  const bindings: Record<string, { HostPort: string }[]> = {}
  for (const { containerPort, hostPort, protocol } of spec.portMappings) {
    const port = `${containerPort}/${protocol}`
    bindings[port] = [...(bindings[port] ?? []), { HostPort: String(hostPort) }]
  }
  return bindings
}
