import type Dockerode from 'dockerode'
import { Docker } from './load-dockerode.js'

/** A docker engine that answered, or one that is waited for. */
export interface EngineConnection {
  readonly docker: Dockerode
  /** Whether it has ever answered; before that, the rest is empty. */
  isKnown: boolean
  /** The engine's own version, e.g. `20.10.24`. */
  version: string
  /** CPUs that the engine has. It refuses a container with a higher limit. */
  cpus: number
}

export interface EngineOptions {
  /** Path of the engine's socket. */
  readonly socketPath?: string | undefined
  /** In the form of DOCKER_HOST: `unix:///path`, `tcp://host:port`, `ssh://user@host`. */
  readonly host?: string | undefined
  readonly timeoutMs?: number
  /** Is told why there is no engine; that none is installed is not worth an error. */
  readonly onUnavailable?: (reason: string) => void
}

/** Every call to the engine but waiting, log streams and pulls ends within this. Starting is slow under load. */
export const callTimeoutMs = 60_000

/** Connects to a docker engine. Undefined when none answers. */
export async function connectEngine(options: EngineOptions = {}): Promise<EngineConnection | undefined> {
  try {
    const engine = awaitedEngine(options)
    await describeEngine(engine, AbortSignal.timeout(options.timeoutMs ?? 5_000))
    return engine
  } catch (error) {
    options.onUnavailable?.(messageOf(error))
    return undefined
  }
}

/** An engine that need not answer yet. */
export function awaitedEngine(options: EngineOptions): EngineConnection {
  return { docker: new Docker(engineAddress(options)), isKnown: false, version: '', cpus: 0 }
}

/** Asks the engine what it is. */
export async function describeEngine(engine: EngineConnection, abortSignal: AbortSignal): Promise<void> {
  const { docker } = engine
  const version = await ask<{ readonly Version: string }>(docker, '/version', abortSignal)
  const info = await ask<{ readonly NCPU: number }>(docker, '/info', abortSignal)
  Object.assign(engine, { isKnown: true, version: version.Version, cpus: info.NCPU })
}

/** Resolves when the engine answers. */
export async function ping({ docker }: EngineConnection, abortSignal: AbortSignal): Promise<void> {
  await ask(docker, '/_ping', abortSignal)
}

/**
 * What dockerode is to connect to. `host` is always named, even as undefined: dockerode would otherwise read DOCKER_HOST
 * itself, and let it win over a socket path given here.
 */
export function engineAddress({ socketPath, host }: EngineOptions): Dockerode.DockerOptions {
  if (socketPath !== undefined) return { host: undefined, socketPath }
  if (host === undefined || host === '') return {}
  if (host.startsWith('unix://')) return engineAddress({ socketPath: host.slice('unix://'.length) })
  const url = new URL(host.includes('://') ? host : `tcp://${host}`)
  if (url.protocol === 'ssh:') {
    return { protocol: 'ssh', host: url.hostname, port: url.port || 22, username: url.username }
  }
  const secure = url.protocol === 'https:' || url.port === '2376'
  return { protocol: secure ? 'https' : 'http', host: url.hostname, port: url.port || 2375 }
}

/** dockerode's own `version()` and `info()` cannot be bounded by their typings, and do not do more than this. */
function ask<T>(docker: Dockerode, path: string, abortSignal: AbortSignal): Promise<T> {
  return dial<T>(docker.modem, {
    path,
    method: 'GET',
    abortSignal,
    statusCodes: { 200: true, 500: 'server error' },
  })
}

/** One request by the modem itself; what comes back depends on the request, and the caller says what it is. */
export function dial<T>(
  modem: Dockerode['modem'],
  request: Parameters<Dockerode['modem']['dial']>[0],
): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer: unknown): void =>
      error ? reject(error) : resolve(answer as T)
    modem.dial(request, done)
  })
}

/** The status that the engine answered with; undefined when it did not answer at all. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** The engine's own sentence, without the wrapping that dockerode puts around it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const answer: unknown = 'json' in error ? error.json : undefined
  const said =
    typeof answer === 'object' && answer !== null && 'message' in answer ? answer.message : undefined
  return (typeof said === 'string' ? said : error.message).trim()
}
