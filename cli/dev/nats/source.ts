import { run } from './command.js'

/** Where a running nats-server is, or what can be started to have one. */
export type NatsSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'binary'; readonly path: string; readonly version: NatsVersion; readonly origin: string }
  | { readonly kind: 'image'; readonly image: string; readonly docker: string; readonly version: NatsVersion }

export type NatsVersion = { readonly major: number; readonly minor: number; readonly patch: number }

/** Tender uses JetStream key-value stores in the form that 2.9 has; what is older is not tried. */
export const oldestNats: NatsVersion = { major: 2, minor: 9, patch: 0 }

export function parseVersion(text: string): NatsVersion | undefined {
  const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(text)
  return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) } : undefined
}

export function formatVersion(version: NatsVersion): string {
  return `${version.major}.${version.minor}.${version.patch}`
}

export function isAtLeast(version: NatsVersion, other: NatsVersion): boolean {
  if (version.major !== other.major) return version.major > other.major
  if (version.minor !== other.minor) return version.minor > other.minor
  return version.patch >= other.patch
}

/** Asks a binary for its version, which also proves that it runs on this machine. Throws with the reason. */
export async function probeBinary(path: string, origin: string): Promise<NatsSource & { kind: 'binary' }> {
  const answer = await run(path, ['--version'], { timeoutMs: 5_000 })
  const version = /nats-server/.test(answer.stdout) ? parseVersion(answer.stdout) : undefined
  if (!answer.ok || !version) {
    const detail = (answer.stdout + answer.stderr).trim() || `exit status ${answer.status}`
    throw new Error(`${path} does not answer --version as a nats-server does: ${detail}`)
  }
  if (!isAtLeast(version, oldestNats)) {
    throw new Error(
      `${path} is version ${formatVersion(version)}, needed is ${formatVersion(oldestNats)} or later`,
    )
  }
  return { kind: 'binary', path, version, origin }
}

export function describeSource(source: NatsSource): string {
  if (source.kind === 'url') return `nats-server at ${source.url}`
  const from = source.kind === 'binary' ? `${source.origin}: ${source.path}` : `Docker image ${source.image}`
  return `nats-server ${formatVersion(source.version)} (${from})`
}
