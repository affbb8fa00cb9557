import { type Infer, schema } from '@tender/sdk'

const { array, boolean, integer, number, object, oneOf, optional, record, strict, string } = schema

const port = integer({ minimum: 0, maximum: 65_535 })
const protocol = oneOf(['tcp', 'udp', 'udp,tcp'])
// What the SDK's TaskInfo allows is not repeated in sentences: the limits below are those of the protocol.
const text = string({ maxLength: 100_000 })
const labels = record(string({ maxLength: 10_000 }), { maxProperties: 200 })

/** A port on the host's own network. */
const portDefinition = strict(
  object({
    /** The host port if the app has `requirePorts`, else only informative: any port of the offer is taken. */
    port: optional(port),
    protocol: optional(protocol),
    name: optional(string({ maxLength: 63 })),
    labels: optional(labels),
  }),
)

/** A port of a container on a bridge, made reachable through a port of the host. */
const portMapping = strict(
  object({
    /** 0: the same as the host port. */
    containerPort: optional(port),
    /** 0: any port of the offer. */
    hostPort: optional(port),
    /** For load balancers that read it; Tender itself gives it no meaning. */
    servicePort: optional(port),
    protocol: optional(protocol),
    name: optional(string({ maxLength: 63 })),
    labels: optional(labels),
  }),
)

const docker = strict(
  object({
    image: string({ minLength: 1, maxLength: 500 }),
    forcePullImage: optional(boolean()),
    network: optional(oneOf(['HOST', 'BRIDGE'])),
    portMappings: optional(array(portMapping, { maxItems: 100 })),
  }),
)

const container = strict(
  object({
    type: optional(oneOf(['DOCKER'])),
    docker,
    portMappings: optional(array(portMapping, { maxItems: 100 })),
  }),
)

// Far above any machine; they keep sums of resources exact.
const maxAmount = 1_000_000_000

/** An app as a person writes it: Marathon's JSON, first form. Rules that span fields stand in `rules.ts`. */
export const appDefinition = strict(
  object({
    id: string({ maxLength: 150 }),
    cmd: optional(text),
    args: optional(array(text, { maxItems: 1000 })),
    cpus: optional(number({ minimum: 0.001, maximum: 1_000_000 })),
    // A container with no memory would be one without a limit.
    mem: optional(number({ minimum: 1, maximum: maxAmount })),
    disk: optional(number({ minimum: 0, maximum: maxAmount })),
    instances: optional(integer({ minimum: 0, maximum: 100_000 })),
    env: optional(record(text, { maxProperties: 500 })),
    labels: optional(labels),
    container: optional(container),
    networks: optional(array(strict(object({ mode: oneOf(['host', 'container/bridge']) })), { maxItems: 1 })),
    portDefinitions: optional(array(portDefinition, { maxItems: 100 })),
    /** The old short form of `portDefinitions`. */
    ports: optional(array(port, { maxItems: 100 })),
    requirePorts: optional(boolean()),
    backoffSeconds: optional(number({ minimum: 0, maximum: 86_400 })),
    backoffFactor: optional(number({ minimum: 1, maximum: 1_000 })),
    maxLaunchDelaySeconds: optional(number({ minimum: 0, maximum: 86_400 })),
    taskKillGracePeriodSeconds: optional(integer({ minimum: 0, maximum: 86_400 })),
    role: optional(string({ maxLength: 200 })),
  }),
)

export type AppDefinition = Infer<typeof appDefinition>
export type PortDefinition = Infer<typeof portDefinition>
export type PortMapping = Infer<typeof portMapping>

/** Fields of Marathon's that are known and not built yet: their refusal says so. */
export const fieldsNotYetSupported: readonly string[] = [
  'acceptedResourceRoles',
  'check',
  'constraints',
  'dependencies',
  'executor',
  'fetch',
  'gpus',
  'healthChecks',
  'ipAddress',
  'killSelection',
  'readinessChecks',
  'residency',
  'resourceLimits',
  'secrets',
  'storeUrls',
  'tty',
  'unreachableStrategy',
  'upgradeStrategy',
  'uris',
  'user',
]
