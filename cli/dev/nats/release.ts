import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keepBinary, withWorkFolder } from './cache.js'
import { lastLine, run } from './command.js'
import { download } from './download.js'
import type { NatsSource } from './source.js'

export type ReleaseOptions = {
  /** Where `v<version>/nats-server-v<version>-<platform>.tar.gz` is; a test serves it itself. */
  readonly baseUrl?: string
  /** An HTTP proxy to go through, as in HTTPS_PROXY. */
  readonly proxy?: string | undefined
  readonly timeoutMs?: number
  /** In place of this machine's, such as `linux-arm64`. */
  readonly platform?: string
  /** In place of `pinnedChecksums`. */
  readonly checksums?: Readonly<Record<string, string>>
}

type Surroundings = { readonly cacheDir: string; readonly log: (line: string) => void }

export const pinnedVersion = '2.12.8'

/**
 * SHA-256 of the archives of `pinnedVersion`. The two for Linux are those that Docker's official image nats:2.12.8 was
 * built with. For Intel Macs none is pinned: without a checksum that can be trusted nothing is run.
 */
export const pinnedChecksums: Readonly<Record<string, string>> = {
  'linux-amd64': '6abc397684567e133649688a13564ad6de786d64e88253fbb4f6a3aa8c2fca63',
  'linux-arm64': '7d20e93c23924cdd5cb6ec51c92f9478c97f9c8a0dbe049dd7ab88af115d622c',
  'darwin-arm64': '4556a7f617eb532587790344629a6a95261099b236524b764d1f10d6c14aba1a',
}

const githubReleases = 'https://github.com/nats-io/nats-server/releases/download'

/** Fetches the maintainers' archive; it is unpacked only when its SHA-256 is the one that is written here. */
export async function officialRelease(around: Surroundings, options: ReleaseOptions): Promise<NatsSource> {
  const platform = options.platform ?? thisPlatform()
  const checksums = options.checksums ?? pinnedChecksums
  const checksum = checksums[platform]
  if (!checksum) throw new Error(`no checksum for ${platform}, only for ${Object.keys(checksums).join(', ')}`)

  const name = `nats-server-v${pinnedVersion}-${platform}`
  const url = `${options.baseUrl ?? githubReleases}/v${pinnedVersion}/${name}.tar.gz`
  around.log(`fetching ${url}`)
  const archive = await download(url, {
    timeoutMs: options.timeoutMs ?? 120_000,
    maxBytes: 64 * 1024 * 1024,
    proxy: options.proxy,
  })
  refuseUnlessSame(url, createHash('sha256').update(archive).digest('hex'), checksum)

  return withWorkFolder(around.cacheDir, async work => {
    const file = join(work, 'release.tar.gz')
    await writeFile(file, archive)
    const unpacked = await run('tar', ['-xzf', file, '-C', work], { timeoutMs: 60_000 })
    if (!unpacked.ok) throw new Error(`${url} cannot be unpacked: ${lastLine(unpacked.stderr)}`)
    return keepBinary(around.cacheDir, join(work, name, 'nats-server'), 'official release')
  })
}

function refuseUnlessSame(url: string, found: string, wanted: string): void {
  if (found !== wanted) throw new Error(`${url} has SHA-256 ${found}, expected ${wanted}: refused`)
}

/** In the words of the release's file names. */
function thisPlatform(): string {
  return `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
}
