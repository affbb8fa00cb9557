import { connect, type NatsConnection } from 'nats'
import { withoutCredentials } from '../log.js'

/** No NATS server answered. */
export class NatsUnavailableError extends Error {
  override readonly name = 'NatsUnavailableError'
}

/**
 * Connects to NATS. Afterwards the connection is kept up for ever: a lost one is tried again every 100 ms.
 *
 * @param url one server or several of one cluster, joined by commas, e.g. `nats://127.0.0.1:4222`
 * @param name shown in the server's list of connections
 * @throws NatsUnavailableError when there is no first connection
 */
export async function connectNats(url: string, name: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: url.split(',').map(each => each.trim()),
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
