import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The address for HTTP cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export interface ListeningServer {
  readonly url: string
  /** Takes no more requests, and ends those under way after a moment. */
  close(): Promise<void>
}

const closeAfterMs = 1_000

/** @throws ListenError naming the address and what to do */
export async function listen(
  handler: RequestListener,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListeningServer> {
  const server = createServer(handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(new ListenError(problem(error, host, port), { cause: error })))
    server.listen(port, host, resolve)
  })
  const { port: ownPort } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return { url: `http://${name}:${ownPort}`, close: () => close(server) }
}

function problem({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code === 'EADDRINUSE') {
    return `port ${port} on ${host} is taken: the HTTP API of the service framework needs another one (0 for any that is free), or stop what listens there (ss -ltnp 'sport = :${port}')`
  }
  return `the HTTP API of the service framework cannot listen on ${host}:${port}: ${message}`
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), closeAfterMs)
  await closed
  clearTimeout(timer)
}
