import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { messageOf } from './command.js'

export type DownloadOptions = {
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly proxy?: string | undefined
}

const maxRedirects = 5

/** Gets a URL whole, through a proxy if one is given, within one time limit for all of it. */
export async function download(url: string, options: DownloadOptions): Promise<Buffer> {
  const signal = AbortSignal.timeout(options.timeoutMs)
  try {
    let target = new URL(url)
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const answer = await get(target, options, signal)
      if (answer.kind === 'body') return answer.bytes
      if (target.protocol === 'https:' && answer.location.protocol !== 'https:') {
        throw new Error(`redirected from https to ${answer.location.href}: refused`)
      }
      target = answer.location
    }
    throw new Error(`more than ${maxRedirects} redirects`)
  } catch (error) {
    const reason = signal.aborted ? `not done within ${options.timeoutMs} ms` : messageOf(error)
    throw new Error(`${url} cannot be fetched: ${reason}`, { cause: error })
  }
}

type Answer =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'redirect'; readonly location: URL }

async function get(url: URL, options: DownloadOptions, signal: AbortSignal): Promise<Answer> {
  const response = await respond(url, options.proxy, signal)
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400 && response.headers.location) {
    response.resume()
    return { kind: 'redirect', location: new URL(response.headers.location, url) }
  }
  if (status !== 200) {
    response.resume()
    throw new Error(`${url.host} answered ${status}`)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > options.maxBytes) throw new Error(`longer than ${options.maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { kind: 'body', bytes: Buffer.concat(chunks) }
}

async function respond(
  url: URL,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const secure = url.protocol === 'https:'
  const base = { signal, headers: { 'user-agent': 'tender', connection: 'close' } }
  const tunnel = proxy && secure ? await openTunnel(new URL(proxy), url, signal) : undefined
  return new Promise((resolve, reject) => {
    const request = tunnel
      ? https.get(url, {
          ...base,
          createConnection: () => tls.connect({ socket: tunnel, servername: url.hostname }),
        })
      : (secure ? https : http).get(url, { ...base, agent: false })
    request.once('response', resolve).once('error', reject)
  })
}

/** Asks the proxy to pass bytes on; TLS then runs from here to the target, unread by the proxy. */
function openTunnel(proxy: URL, target: URL, signal: AbortSignal): Promise<Duplex> {
  const authority = `${target.hostname}:${target.port || 443}`
  const headers: Record<string, string> = { host: authority }
  if (proxy.username) {
    const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
    headers['proxy-authorization'] = `Basic ${Buffer.from(login).toString('base64')}`
  }
  return new Promise((resolve, reject) => {
    const client = proxy.protocol === 'https:' ? https : http
    const request = client.request(proxy, {
      method: 'CONNECT',
      path: authority,
      headers,
      signal,
      agent: false,
    })
    request.once('error', reject)
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket)
      socket.destroy()
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode} to CONNECT ${authority}`))
    })
    request.end()
  })
}
