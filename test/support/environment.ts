import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { findExecutable, foldersOfPath, messageOf, run } from '../../cli/dev/nats/command.js'
import { findNatsServer, tenderCacheDir } from '../../cli/dev/nats/index.js'
import { aptInstall } from './apt.js'
import { awaitEngine, defaultDockerHost, engineAnswers, type OwnEngine, startEngine } from './dockerd.js'

export type EnvironmentOptions = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: (line: string) => void
}

/**
 * What the tests find in their environment variables:
 * - TENDER_TEST_NATS_SERVER: a nats-server binary, always there;
 * - DOCKER_HOST: a Docker engine that answers, absent if there is none;
 * - TENDER_TEST_CHROMIUM: a browser, absent if there is none;
 * - TENDER_TEST_BUSYBOX: a static busybox, of which images can be made without a registry, absent if there is none.
 */
export type TestEnvironment = {
  readonly variables: Readonly<Record<string, string>>
  readonly tearDown: () => Promise<void>
}

/** Puts up what the tests need. As root on Debian what is missing is installed; elsewhere it is named and left out. */
export async function setUpEnvironment({ env, log }: EnvironmentOptions): Promise<TestEnvironment> {
  const path = env['PATH'] ?? ''
  const folders = [...foldersOfPath(path), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  const dockerHost = env['DOCKER_HOST'] || defaultDockerHost

  const installed = await installMissing(dockerHost, folders, log)
  const engine = await engineFor(dockerHost, folders, log)
  try {
    const nats = await findNatsServer({
      binary: env['TENDER_TEST_NATS_SERVER'],
      path,
      cacheDir: tenderCacheDir(env, homedir()),
      image: false,
      release: { proxy: env['HTTPS_PROXY'] ?? env['https_proxy'] },
      log,
    })
    const variables: Record<string, string> = {}
    if (nats.kind === 'binary') variables['TENDER_TEST_NATS_SERVER'] = nats.path
    if (engine.answers) variables['DOCKER_HOST'] = dockerHost
    const chromium = await findChromium(folders)
    if (chromium) variables['TENDER_TEST_CHROMIUM'] = chromium
    const busybox = await findStaticBusybox(folders)
    if (busybox) variables['TENDER_TEST_BUSYBOX'] = busybox
    for (const line of complaints(variables, engine.reason ?? installed.reason)) log(line)
    return { variables, tearDown: async () => engine.own?.stop() }
  } catch (error) {
    await engine.own?.stop()
    throw error
  }
}

type Attempt = { readonly reason?: string }

/** One run of apt-get for all that is missing. */
async function installMissing(
  dockerHost: string,
  folders: readonly string[],
  log: (line: string) => void,
): Promise<Attempt> {
  const packages: string[] = []
  const dockerThere = (await engineAnswers(dockerHost)) || (await findExecutable('dockerd', folders))
  if (!dockerThere && dockerHost === defaultDockerHost) packages.push('docker.io', 'iptables')
  if (!(await findExecutable('ip', folders))) packages.push('iproute2')
  if (!(await findStaticBusybox(folders))) packages.push('busybox-static')
  if (!(await findChromium(folders))) packages.push('chromium')
  if (packages.length === 0) return {}
  if (process.getuid?.() !== 0 || !(await findExecutable('apt-get', folders))) {
    return { reason: `${packages.join(', ')} can be installed only by root on Debian` }
  }
  try {
    await aptInstall(packages, log)
    return {}
  } catch (error) {
    return { reason: messageOf(error) }
  }
}

type Engine = Attempt & { readonly answers: boolean; readonly own?: OwnEngine }

async function engineFor(
  dockerHost: string,
  folders: readonly string[],
  log: (line: string) => void,
): Promise<Engine> {
  if (await engineAnswers(dockerHost)) return { answers: true }
  if (dockerHost !== defaultDockerHost)
    return { answers: false, reason: `no engine answers at ${dockerHost}` }
  const dockerd = await findExecutable('dockerd', folders)
  if (!dockerd || process.getuid?.() !== 0) return { answers: false }
  // Where systemd runs, installing the package has started it, or it starts with the first call.
  const startsByItself = existsSync('/run/systemd/system')
  if (startsByItself && (await awaitEngine(dockerHost, AbortSignal.timeout(5_000)))) return { answers: true }
  try {
    return { answers: true, own: await startEngine(dockerd, folders, log) }
  } catch (error) {
    return { answers: false, reason: messageOf(error) }
  }
}

function findChromium(folders: readonly string[]): Promise<string | undefined> {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const macs = '/Applications/Google Chrome.app/Contents/MacOS'
  return firstOf([
    ...names.map(name => () => findExecutable(name, folders)),
    () => findExecutable('Google Chrome', [macs]),
  ])
}

/** One that needs no libraries, so that it runs in an image that holds nothing else. */
async function findStaticBusybox(folders: readonly string[]): Promise<string | undefined> {
  const file = await findExecutable('busybox', folders)
  if (!file) return undefined
  const libraries = await run('env', ['LC_ALL=C', 'ldd', file], { timeoutMs: 5_000 })
  return /not a dynamic executable|statically linked/.test(libraries.stdout + libraries.stderr)
    ? file
    : undefined
}

function complaints(
  variables: Readonly<Record<string, string>>,
  reason: string | undefined,
): readonly string[] {
  const needed = {
    DOCKER_HOST: 'Docker engine',
    TENDER_TEST_CHROMIUM: 'Chromium',
    TENDER_TEST_BUSYBOX: 'static busybox',
  }
  return Object.entries(needed)
    .filter(([variable]) => !(variable in variables))
    .map(([, what]) => `No ${what}${reason ? ` (${reason})` : ''}: the tests that need it are skipped`)
}

async function firstOf(looks: readonly (() => Promise<string | undefined>)[]): Promise<string | undefined> {
  for (const look of looks) {
    const file = await look()
    if (file) return file
  }
  return undefined
}
