import type { Problem } from '@tender/sdk'
import { problemOfAppId } from './app-id.js'
import type { AppDefinition } from './schema.js'

/** The rules that a schema cannot say well: those across fields, and those whose sentence should help. */
export function problemsAcrossFields(app: AppDefinition, role: string): Problem[] {
  return [
    ...idProblems(app),
    ...commandProblems(app),
    ...networkProblems(app),
    ...portProblems(app),
    ...environmentProblems(app),
    ...backoffProblems(app),
    ...roleProblems(app, role),
  ]
}

function idProblems({ id }: AppDefinition): Problem[] {
  const rule = problemOfAppId(id)
  return rule === undefined ? [] : [{ path: '/id', rule, value: id }]
}

function commandProblems({ cmd, args, container }: AppDefinition): Problem[] {
  const problems: Problem[] = []
  if (cmd !== undefined && args !== undefined) {
    problems.push({ path: '/args', rule: 'must not be given together with cmd: choose one', value: args })
  }
  if (cmd !== undefined && cmd.trim() === '') {
    problems.push({ path: '/cmd', rule: 'must not be empty', value: cmd })
  }
  if (args?.length === 0) problems.push({ path: '/args', rule: 'must have at least one item', value: args })
  if (cmd === undefined && args === undefined && container === undefined) {
    problems.push({
      path: '/cmd',
      rule: 'is required, unless there is args or container/docker/image',
      value: undefined,
    })
  }
  return problems
}

function networkProblems({ container, networks, portDefinitions, ports }: AppDefinition): Problem[] {
  const problems: Problem[] = []
  const mappings = mappingsOf(container)
  const isBridge = networks?.[0]?.mode === 'container/bridge' || container?.docker.network === 'BRIDGE'
  if (networks?.[0] && container?.docker.network !== undefined) {
    problems.push({
      path: '/container/docker/network',
      rule: 'must not be given together with networks: networks is the newer form',
      value: container.docker.network,
    })
  }
  if (isBridge && !container) {
    problems.push({
      path: '/networks/0/mode',
      rule: 'container/bridge is for containers: needs container/docker/image',
      value: networks?.[0]?.mode,
    })
  }
  if (container?.portMappings && container.docker.portMappings) {
    problems.push({
      path: '/container/docker/portMappings',
      rule: 'must not be given together with container/portMappings, which is the newer form',
      value: container.docker.portMappings,
    })
  }
  if (!isBridge && mappings.length > 0) {
    problems.push({
      path: container?.portMappings ? '/container/portMappings' : '/container/docker/portMappings',
      rule: 'needs networks [{"mode": "container/bridge"}]; on the host network use portDefinitions',
      value: mappings,
    })
  }
  for (const [name, value] of Object.entries({ portDefinitions, ports })) {
    if (!isBridge || !value || value.length === 0) continue
    problems.push({
      path: `/${name}`,
      rule: 'is for the host network; with container/bridge use container/portMappings',
      value,
    })
  }
  if (portDefinitions && ports) {
    problems.push({
      path: '/ports',
      rule: 'must not be given together with portDefinitions, which is the newer form',
      value: ports,
    })
  }
  return problems
}

const portName = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/i

function portProblems(app: AppDefinition): Problem[] {
  const mappings = mappingsOf(app.container)
  const mappingsPath = app.container?.portMappings
    ? '/container/portMappings'
    : '/container/docker/portMappings'
  // A port of the host can be held once. Without requirePorts the numbers of portDefinitions are not taken.
  const definitions = app.portDefinitions ?? (app.ports ?? []).map(port => ({ port }))
  const definitionsPath = app.portDefinitions ? '/portDefinitions' : '/ports'
  return [
    ...nameProblems(mappingsPath, mappings),
    ...nameProblems('/portDefinitions', app.portDefinitions ?? []),
    ...hostPortProblems(mappings, index => `${mappingsPath}/${index}/hostPort`),
    ...(app.requirePorts
      ? hostPortProblems(
          definitions.map(definition => ({ ...definition, hostPort: definition.port })),
          index => `${definitionsPath}/${index}${app.portDefinitions ? '/port' : ''}`,
        )
      : []),
  ]
}

function nameProblems(path: string, ports: readonly { readonly name?: string }[]): Problem[] {
  const seen = new Set<string>()
  const problems: Problem[] = []
  for (const [index, { name }] of ports.entries()) {
    if (name === undefined) continue
    const at = { path: `${path}/${index}/name`, value: name }
    if (!portName.test(name)) {
      problems.push({
        ...at,
        rule: `must be of letters, digits, '-' and '_', starting and ending with a letter or digit`,
      })
    } else if (seen.has(name.toLowerCase())) {
      problems.push({ ...at, rule: 'must be different from the names of the other ports' })
    }
    seen.add(name.toLowerCase())
  }
  return problems
}

function hostPortProblems(
  ports: readonly { readonly hostPort?: number | undefined; readonly protocol?: string }[],
  pathOf: (index: number) => string,
): Problem[] {
  const seen = new Set<string>()
  const problems: Problem[] = []
  for (const [index, { hostPort = 0, protocol = 'tcp' }] of ports.entries()) {
    if (hostPort === 0) continue
    const keys = protocol.split(',').map(each => `${each}:${hostPort}`)
    if (keys.some(key => seen.has(key))) {
      problems.push({ path: pathOf(index), rule: 'must not be taken twice by one app', value: hostPort })
    }
    for (const key of keys) seen.add(key)
  }
  return problems
}

function environmentProblems({ env = {} }: AppDefinition): Problem[] {
  return Object.entries(env)
    .filter(([name]) => !/^[^=\0]+$/.test(name))
    .map(([name, value]) => ({
      path: `/env/${name}`,
      rule: `must have a name that is not empty and without '='`,
      value,
    }))
}

function backoffProblems({ backoffSeconds = 1, maxLaunchDelaySeconds = 300 }: AppDefinition): Problem[] {
  if (backoffSeconds <= maxLaunchDelaySeconds) return []
  return [
    {
      path: '/maxLaunchDelaySeconds',
      rule: `must be at least backoffSeconds, which is ${backoffSeconds}`,
      value: maxLaunchDelaySeconds,
    },
  ]
}

function roleProblems({ role }: AppDefinition, ownRole: string): Problem[] {
  if (role === undefined || role === ownRole) return []
  return [{ path: '/role', rule: `must be '${ownRole}', the role of this service framework`, value: role }]
}

function mappingsOf(container: AppDefinition['container']) {
  return container?.portMappings ?? container?.docker.portMappings ?? []
}
