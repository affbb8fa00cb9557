import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The web endpoint cannot be opened where it was told to. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** @throws ListenError which says what to do */
export function listenOn(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const message = `the web endpoint cannot listen on ${host} port ${port}: ${advice(error, host, port)}`
      reject(new ListenError(message, { cause: error }))
    }
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      resolve(server.address() as AddressInfo)
    })
  })
}

function advice(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `the port is taken; stop the program that has it, or choose another port (0 takes a free one)`
    case 'EACCES':
      return `this user may not open port ${port}; choose one from 1024 to 65535`
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine; 127.0.0.1 and 0.0.0.0 always are`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not known as a name; give an address, such as 127.0.0.1`
    case undefined:
    default:
      return error.message
  }
}
