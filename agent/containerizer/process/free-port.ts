import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { ContainerStartError, type PortMapping } from '../containerizer.js'
import { codeOf } from '../errors.js'

/** @throws ContainerStartError when a process of this host holds the port */
export async function assertPortFree({ hostPort, protocol }: PortMapping): Promise<void> {
  try {
    await (protocol === 'udp' ? tryUdp(hostPort) : tryTcp(hostPort))
  } catch (cause) {
    const taken = codeOf(cause) === 'EADDRINUSE'
    throw taken
      ? new ContainerStartError('port-taken', `host port ${hostPort}/${protocol} is already in use`, {
          cause,
        })
      : new ContainerStartError('start-failed', `host port ${hostPort}/${protocol} cannot be used`, { cause })
  }
}

async function tryTcp(port: number): Promise<void> {
  const server = createServer()
  server.listen({ port, exclusive: true })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function tryUdp(port: number): Promise<void> {
  const socket = createSocket('udp4')
  socket.bind({ port, exclusive: true })
  await once(socket, 'listening')
  socket.close()
  await once(socket, 'close')
}
