import { readdir } from 'node:fs/promises'
import { lastLine, run } from '../../cli/dev/nats/command.js'

const listsDir = '/var/lib/apt/lists'

/** Installs Debian packages; only for root, and only for tests: `npm start` never changes the machine. */
export async function aptInstall(packages: readonly string[], log: (line: string) => void): Promise<void> {
  log(`Installing ${packages.join(', ')} with apt-get, for the tests`)
  let updated = false
  if (!(await hasLists())) {
    await aptGet(['update'])
    updated = true
  }
  const args = ['install', '--yes', '--no-install-recommends', ...packages]
  let result = await aptGet(args)
  if (!result.ok && !updated) {
    // Lists that are too old name packages that the mirror no longer has.
    await aptGet(['update'])
    result = await aptGet(args)
  }
  if (!result.ok)
    throw new Error(`apt-get could not install ${packages.join(', ')}: ${lastLine(result.stderr)}`)
}

function aptGet(args: readonly string[]): ReturnType<typeof run> {
  const settings = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2']
  return run('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...settings, ...args], {
    timeoutMs: 600_000,
  })
}

async function hasLists(): Promise<boolean> {
  const files = await readdir(listsDir).catch(() => [])
  return files.some(file => file.includes('_Packages'))
}
