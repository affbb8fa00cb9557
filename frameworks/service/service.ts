import {
  type Clock,
  connectNats,
  describeError,
  type Log,
  NatsStore,
  NatsTransport,
  type Random,
  Scheduler,
  silentLog,
  systemClock,
  systemRandom,
} from '@tender/sdk'
import { ServiceCore } from './core/index.js'
import { createHttp, listen } from './http/index.js'
import { ServiceShell } from './service-shell.js'
import { Journal, ServiceStore } from './store/index.js'

export interface ServiceOptions {
  /** URL of NATS. */
  readonly nats: string
  readonly cluster: string
  /** A second service framework in one cluster needs a name of its own. */
  readonly frameworkId?: string
  /** The role in which it takes offers. */
  readonly role?: string
  readonly http?: { readonly host?: string; readonly port?: number }
  /** Copies of the store in JetStream: 1 on one NATS server, 3 in production. */
  readonly replicas?: number
  /** Shown by `GET /v2/info`. */
  readonly version?: string
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: Random
  /**
   * The end: a ProtocolError when another instance took over or the leader refuses this one, else a bug. It has stopped
   * by itself by then.
   */
  readonly onFailed?: (reason: unknown) => void
}

export interface RunningService {
  readonly httpUrl: string
  /** Stops; tasks run on, and the next start finds them again. */
  stop(): Promise<void>
}

export const defaultServiceHttp = { host: '127.0.0.1', port: 8080 } as const

/**
 * Starts the service framework. Resolves when its HTTP API answers, whether or not a master leads yet: what is wanted
 * is stored, and starts as soon as there are offers.
 *
 * @throws NatsUnavailableError when NATS does not answer
 * @throws ListenError when the HTTP port cannot be had
 * @throws NewerStoreError when the store was written by a later version
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { frameworkId = 'service', log = silentLog } = options
  const connection = await connectNats(options.nats, `framework ${frameworkId}`)
  const transport = new NatsTransport(connection, log)
  try {
    const store = new ServiceStore(await openStore(connection, options, frameworkId))
    return await run({ ...options, frameworkId, log }, transport, store)
  } catch (error) {
    await transport.close()
    throw error
  }
}

async function run(
  options: ServiceOptions & { readonly frameworkId: string; readonly log: Log },
  transport: NatsTransport,
  store: ServiceStore,
): Promise<RunningService> {
  const { cluster, frameworkId, log, role = '*', clock = systemClock, random = systemRandom } = options
  const stops: (() => Promise<void> | void)[] = [() => transport.close()]
  // In the opposite order of the starts; each once, whoever asks first.
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each()
  }
  const fail = async (reason: unknown) => {
    await stop()
    options.onFailed?.(reason)
  }

  const shell = new ServiceShell({
    core: new ServiceCore({ role, nextId: () => uuid(random) }),
    journal: new Journal(store, clock, log),
    role,
    clock,
    log,
    onFailed: reason => void fail(reason),
  })
  const { apps, instances, setAside } = await store.load()
  for (const { key, problem } of setAside) {
    log.error(`a record of the store cannot be read, and was set aside as set-aside.${key}`, { problem })
  }
  shell.tell({ kind: 'recovered', apps, instances })

  const info = { name: 'tender-service', version: options.version ?? '0.1.0', frameworkId, cluster }
  const http = await listen(createHttp(shell, info, log), { ...defaultServiceHttp, ...options.http })
  stops.push(() => http.close())

  const scheduler = new Scheduler(
    {
      ...shell.handlers,
      nats: transport,
      cluster,
      framework: { frameworkId, name: 'service', roles: [role], webUrl: http.url },
      suppressedRoles: [role],
      log,
      clock,
      random,
    },
    transport,
    log,
  )
  // Not awaited: the API works before a master leads. A refusal also comes to the handler `failed`.
  scheduler.whenSubscribed.catch(() => {})
  stops.push(() => scheduler.close())
  shell.start(scheduler)
  stops.push(() => shell.stop())
  log.debug('recovered from the store', { frameworkId, apps: apps.length, instances: instances.length })
  return { httpUrl: http.url, stop }
}

async function openStore(
  connection: Awaited<ReturnType<typeof connectNats>>,
  { cluster, replicas = 1 }: ServiceOptions,
  frameworkId: string,
): Promise<NatsStore> {
  const bucket = `tender-${cluster}-${frameworkId}`
  try {
    return await NatsStore.open(connection, { bucket, replicas })
  } catch (error) {
    throw new Error(
      `the store '${bucket}' of the service framework cannot be opened in NATS; JetStream has to be on (nats-server -js): ${describeError(error)}`,
      { cause: error },
    )
  }
}

function uuid(random: Random): string {
  return random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
