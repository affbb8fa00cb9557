import { connect, type NatsConnection } from 'nats'
import { withoutCredentials } from '../log.js'

/** No NATS server answered. */
export class NatsUnavailableError extends Error {
  override readonly name = 'NatsUnavailableError'
}

/**
 * Connects to NATS. Afterwards the connection is kept up for ever: a lost one is tried again every 100 ms.
 *
 * @param url one server or several of one cluster, joined by commas, e.g. `nats://127.0.0.1:4222`; a user and password
 *   may stand in front of the host, `nats://user:password@host:4222`
 * @param name shown in the server's list of connections
 * @throws NatsUnavailableError when there is no first connection
 */
export async function connectNats(url: string, name: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: url.split(',').map(each => each.trim()),
      ...credentialsIn(url),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 50,
      // A frozen server is noticed after 3 x 2 s; the default takes minutes.
      pingInterval: 2_000,
      maxPingOut: 2,
    })
  } catch (error) {
    throw new NatsUnavailableError(
      `no NATS server answers at ${withoutCredentials(url)}; start one (nats-server -js, or tender dev) or give its URL with --nats`,
      { cause: error },
    )
  }
}

/** The client takes user and password as options only; those of the first server that names some are used for all. */
function credentialsIn(url: string): { user?: string; pass?: string } {
  for (const server of url.split(',')) {
    const match = /^(?:[a-z]+:\/\/)?([^:@/]+):([^@/]*)@/.exec(server.trim())
    if (match?.[1]) return { user: decodeURIComponent(match[1]), pass: decodeURIComponent(match[2] ?? '') }
  }
  return {}
}
