import { fromThousandths, toThousandths } from '@tender/sdk'
import type { AppDefinition, PortDefinition, PortMapping } from './schema.js'

export type NetworkMode = 'host' | 'container/bridge'

type Filled<T extends { readonly name?: string }> = Required<Omit<T, 'name'>> & Pick<T, 'name'>

/** An app with every default filled in: what the core decides on and what the HTTP API shows. */
export interface App {
  readonly id: string
  readonly cmd?: string
  readonly args?: readonly string[]
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly instances: number
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly container?: {
    readonly type: 'DOCKER'
    readonly docker: { readonly image: string; readonly forcePullImage: boolean }
    readonly portMappings: readonly Filled<PortMapping>[]
  }
  readonly networks: readonly [{ readonly mode: NetworkMode }]
  /** Empty when the network is a bridge: then the container has `portMappings`. */
  readonly portDefinitions: readonly Filled<PortDefinition>[]
  readonly requirePorts: boolean
  readonly backoffSeconds: number
  readonly backoffFactor: number
  readonly maxLaunchDelaySeconds: number
  /** Absent: the agent's own default. */
  readonly taskKillGracePeriodSeconds?: number
  readonly role: string
}

/** The one place for defaults; they are Marathon's. */
export function normalise(definition: AppDefinition, role: string): App {
  const { cmd, args, container, taskKillGracePeriodSeconds } = definition
  const mode = networkModeOf(definition)
  return {
    id: definition.id,
    ...(cmd === undefined ? {} : { cmd }),
    ...(args === undefined ? {} : { args }),
    cpus: exact(definition.cpus ?? 1),
    mem: exact(definition.mem ?? 128),
    disk: exact(definition.disk ?? 0),
    instances: definition.instances ?? 1,
    env: definition.env ?? {},
    labels: definition.labels ?? {},
    ...(container === undefined ? {} : { container: normaliseContainer(container) }),
    networks: [{ mode }],
    portDefinitions: mode === 'host' ? portDefinitionsOf(definition) : [],
    requirePorts: definition.requirePorts ?? false,
    backoffSeconds: definition.backoffSeconds ?? 1,
    backoffFactor: definition.backoffFactor ?? 1.15,
    maxLaunchDelaySeconds: definition.maxLaunchDelaySeconds ?? 300,
    ...(taskKillGracePeriodSeconds === undefined ? {} : { taskKillGracePeriodSeconds }),
    role: definition.role ?? role,
  }
}

/** Resources are held in thousandths: what is shown is what is asked for. */
function exact(amount: number): number {
  return fromThousandths(toThousandths(amount))
}

function networkModeOf({ networks, container }: AppDefinition): NetworkMode {
  return networks?.[0]?.mode ?? (container?.docker.network === 'BRIDGE' ? 'container/bridge' : 'host')
}

function normaliseContainer(
  container: NonNullable<AppDefinition['container']>,
): NonNullable<App['container']> {
  const { docker, portMappings = docker.portMappings ?? [] } = container
  return {
    type: 'DOCKER',
    docker: { image: docker.image, forcePullImage: docker.forcePullImage ?? false },
    portMappings: portMappings.map(mapping => ({
      containerPort: 0,
      hostPort: 0,
      servicePort: 0,
      protocol: 'tcp' as const,
      labels: {},
      ...mapping,
    })),
  }
}

/** An app that says nothing of ports gets one; `[]` is for none. */
function portDefinitionsOf({ portDefinitions, ports }: AppDefinition): App['portDefinitions'] {
  const written: readonly PortDefinition[] = portDefinitions ?? ports?.map(port => ({ port })) ?? [{}]
  return written.map(definition => ({ port: 0, protocol: 'tcp' as const, labels: {}, ...definition }))
}

/** Fields that running instances need not be replaced for: they take effect without a new task. */
const fieldsOfTheAppOnly: readonly string[] = [
  'instances',
  'labels',
  'backoffSeconds',
  'backoffFactor',
  'maxLaunchDelaySeconds',
  'taskKillGracePeriodSeconds',
] satisfies (keyof App)[]

/**
 * Whether instances of `before` have to be replaced to be instances of `after`. Unlike in Marathon, a change of labels
 * or of backoff restarts nothing.
 */
export function needsNewInstances(before: App, after: App): boolean {
  return taskFields(before) !== taskFields(after)
}

function taskFields(app: App): string {
  const fields = Object.entries(app).filter(([name]) => !fieldsOfTheAppOnly.includes(name))
  return JSON.stringify(sorted(Object.fromEntries(fields)))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  )
}
