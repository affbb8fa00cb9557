import type { App } from '../definition/index.js'
import { portWishes } from './ports.js'
import type { InstanceRecord } from './records.js'

const longestLabel = 512

/** What a task finds in its environment; the list is in the README. What the app itself sets wins. */
export function environmentOf(app: App, instance: InstanceRecord): Record<string, string> {
  return {
    ...appVariables(app, instance),
    ...portVariables(app, instance.hostPorts),
    HOST: instance.hostname,
    ...app.env,
  }
}

function appVariables(app: App, instance: InstanceRecord): Record<string, string> {
  const image = app.container?.docker.image
  return {
    TENDER_APP_ID: app.id,
    TENDER_APP_VERSION: instance.version,
    TENDER_TASK_ID: instance.taskId,
    TENDER_AGENT_ID: instance.agentId,
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: instance.version,
    MARATHON_APP_RESOURCE_CPUS: String(app.cpus),
    MARATHON_APP_RESOURCE_MEM: String(app.mem),
    MARATHON_APP_RESOURCE_DISK: String(app.disk),
    ...(image === undefined ? {} : { MARATHON_APP_DOCKER_IMAGE: image }),
    ...labelVariables(app.labels),
    MESOS_TASK_ID: instance.taskId,
  }
}

function labelVariables(labels: App['labels']): Record<string, string> {
  // As in Marathon, labels too long for an environment are left out.
  const short = Object.entries(labels).filter(([, value]) => value.length <= longestLabel)
  const variables = short.map(([name, value]) => [`MARATHON_APP_LABEL_${variableName(name)}`, value] as const)
  const names = short.map(([name]) => variableName(name))
  return { ...Object.fromEntries(variables), MARATHON_APP_LABELS: names.join(' ') }
}

/**
 * As in Marathon, PORT0 and the like are ports of the host, on a bridge too. What a server has to listen on may be
 * another port there, so that has names of its own.
 */
function portVariables(app: App, hostPorts: readonly number[]): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [index, wish] of portWishes(app).entries()) {
    const hostPort = String(hostPorts[index])
    const listenPort = String(wish.containerPort || hostPorts[index])
    variables[`PORT${index}`] = hostPort
    variables[`TENDER_LISTEN_PORT${index}`] = listenPort
    if (wish.containerPort) variables[`PORT_${wish.containerPort}`] = hostPort
    if (wish.name !== undefined) variables[`PORT_${variableName(wish.name)}`] = hostPort
  }
  if (hostPorts[0] === undefined) return variables
  return {
    ...variables,
    PORT: String(hostPorts[0]),
    PORTS: hostPorts.join(','),
    TENDER_LISTEN_PORT: variables.TENDER_LISTEN_PORT0 ?? '',
  }
}

/** Letters, digits and `_` in upper case, as shells can read. */
function variableName(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
}
