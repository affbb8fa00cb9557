import type { Millis } from '@tender/sdk'
import { type AppState, type Connection, type InstanceRecord, portWishes, waitingOf } from '../core/index.js'

/** Apps and tasks as Marathon's clients expect them, with Tender's own fields `waiting` and `agentId` added. */
export interface AppViewContext {
  readonly connection: Connection
  readonly now: Millis
}

export function appView(state: AppState, { connection, now }: AppViewContext) {
  const { app, record, lastFailure } = state
  const states = [...state.instances.values()].map(instance => instance.state)
  const waiting = waitingOf(state, connection, now)
  return {
    ...app,
    version: record.version,
    versionInfo: { lastScalingAt: record.lastScalingAt, lastConfigChangeAt: record.lastConfigChangeAt },
    tasksStaged: states.filter(each => each === 'STAGING' || each === 'STARTING').length,
    tasksRunning: states.filter(each => each === 'RUNNING').length,
    tasksHealthy: 0,
    tasksUnhealthy: 0,
    deployments: state.isDeployed ? [] : [{ id: record.deploymentId }],
    ...(lastFailure === undefined
      ? {}
      : {
          lastTaskFailure: {
            appId: app.id,
            taskId: lastFailure.taskId,
            state: `TASK_${lastFailure.state}`,
            message: lastFailure.message,
            host: lastFailure.hostname,
            slaveId: lastFailure.agentId,
            agentId: lastFailure.agentId,
            version: lastFailure.version,
            timestamp: timestamp(lastFailure.atMs),
          },
        }),
    ...(waiting === undefined
      ? {}
      : { waiting: { code: waiting.code, message: waiting.message, since: timestamp(waiting.sinceMs) } }),
  }
}

export function tasksView(state: AppState) {
  return [...state.instances.values()].map(instance => taskView(state, instance))
}

function taskView({ app }: AppState, instance: InstanceRecord) {
  const { ipAddress, startedAtMs } = instance
  return {
    id: instance.taskId,
    appId: instance.appId,
    host: instance.hostname,
    ports: instance.hostPorts,
    servicePorts: app.container?.portMappings.map(mapping => mapping.servicePort) ?? [],
    portNames: portWishes(app).map(wish => wish.name ?? ''),
    ipAddresses:
      ipAddress === undefined ? [] : [{ ipAddress, protocol: ipAddress.includes(':') ? 'IPv6' : 'IPv4' }],
    slaveId: instance.agentId,
    agentId: instance.agentId,
    state: `TASK_${instance.state}`,
    stagedAt: timestamp(instance.stagedAtMs),
    ...(startedAtMs === undefined ? {} : { startedAt: timestamp(startedAtMs) }),
    version: instance.version,
    role: app.role,
    isStopping: instance.goal === 'stop',
  }
}

function timestamp(ms: Millis): string {
  return new Date(ms).toISOString()
}
