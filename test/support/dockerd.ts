import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { lastLine } from '../../cli/dev/nats/command.js'

export const defaultDockerHost = 'unix:///var/run/docker.sock'

const startTimeoutMs = 60_000

/** Whether a Docker engine answers there, within two seconds. */
export function engineAnswers(dockerHost: string): Promise<boolean> {
  const url = new URL(dockerHost)
  const target =
    url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 }
  return new Promise(resolve => {
    const request = http.get({ ...target, path: '/_ping', timeout: 2_000, agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
    request.once('close', () => resolve(false))
  })
}

/** Waits for an engine that is starting, no longer than the signal lets it. */
export async function awaitEngine(dockerHost: string, signal: AbortSignal): Promise<boolean> {
  while (!(await engineAnswers(dockerHost))) {
    if (signal.aborted) return false
    await delay(100)
  }
  return true
}

export type OwnEngine = { readonly stop: () => Promise<void> }

/** Starts a Docker engine on the default socket, for the time of the tests. Throws with the reason if it cannot run. */
export async function startEngine(
  dockerd: string,
  folders: readonly string[],
  log: (line: string) => void,
): Promise<OwnEngine> {
  const logFile = join(tmpdir(), `tender-dockerd-${process.pid}.log`)
  log(`Starting ${dockerd} for the tests, its log is ${logFile}`)
  const file = openSync(logFile, 'a')
  // It needs iptables and others from /usr/sbin, which our own PATH may lack.
  const args = [`PATH=${folders.join(delimiter)}`, dockerd, '--host', defaultDockerHost]
  const child = spawn('env', args, { detached: true, stdio: ['ignore', file, file] })
  closeSync(file)
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await exited
    clearTimeout(timer)
  }
  const ended = new AbortController()
  void exited.then(() => ended.abort())
  const enough = AbortSignal.any([ended.signal, AbortSignal.timeout(startTimeoutMs)])
  if (await awaitEngine(defaultDockerHost, enough)) return { stop }
  await stop()
  throw new Error(`dockerd does not run here: ${lastLine(await readFile(logFile, 'utf8'))} (${logFile})`)
}
