import { watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** What a NATS server says of itself to everyone who connects. */
export type NatsInfo = { readonly name: string; readonly version: string; readonly jetstream: boolean }

export type Address = { readonly host: string; readonly port: number }

/**
 * The port that a server with this process id has written down in the folder. The folder is watched rather than read
 * again and again: a server is ready about 30 ms after it was started.
 */
export function portOf(pid: number, portsFileDir: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const settle = (outcome: () => void): void => {
      watcher.close()
      signal.removeEventListener('abort', giveUp)
      outcome()
    }
    const giveUp = (): void => settle(() => reject(signal.reason as Error))
    const look = (): void => {
      readPort(pid, portsFileDir).then(
        port => port !== undefined && settle(() => resolve(port)),
        (error: unknown) => settle(() => reject(error)),
      )
    }
    signal.addEventListener('abort', giveUp)
    const watcher = watch(portsFileDir, look)
    watcher.once('error', error => settle(() => reject(error)))
    // The file may be there already.
    look()
  })
}

async function readPort(pid: number, folder: string): Promise<number | undefined> {
  const file = (await readdir(folder)).find(name => name.endsWith(`_${pid}.ports`))
  if (!file) return undefined
  try {
    const ports = JSON.parse(await readFile(join(folder, file), 'utf8')) as { nats?: readonly string[] }
    const url = ports.nats?.[0]
    return url === undefined ? undefined : Number(new URL(url).port)
  } catch {
    // Seen between its creation and its last byte: the next change will show it whole.
    return undefined
  }
}

/** Connects once and reads the greeting; this shows that a NATS server, and not only a socket, is there. */
export function readInfo(address: Address, signal: AbortSignal): Promise<NatsInfo> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const socket = net.connect({ ...address, signal })
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
      const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1]
      if (!line && text.length < 65_536) return
      socket.destroy()
      if (!line)
        return reject(new Error(`what listens on ${address.host}:${address.port} is not a NATS server`))
      const info = JSON.parse(line) as { server_name?: string; version?: string; jetstream?: boolean }
      resolve({
        name: info.server_name ?? '',
        version: info.version ?? '',
        jetstream: info.jetstream === true,
      })
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${address.host}:${address.port} closed without a greeting`)))
  })
}

/** Tries again until the greeting comes: a port that Docker maps is open before the server behind it is. */
export async function awaitInfo(address: Address, signal: AbortSignal): Promise<NatsInfo> {
  for (;;) {
    try {
      return await readInfo(address, signal)
    } catch (error) {
      if (signal.aborted) throw error
      await delay(50, undefined, { signal })
    }
  }
}
