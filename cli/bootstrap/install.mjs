import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { root, runQuietly } from './run.mjs'

/** Holds the hash of the lockfile that node_modules was checked against, so that the next start need not look again. */
const stampFile = path.join(root, 'node_modules', '.tender-lock')

/** Installs the dependencies that package-lock.json names, unless they are there. */
export async function install() {
  const lockfile = fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')
  const stamp = createHash('sha256').update(lockfile).digest('hex')
  if (readIfThere(stampFile) === stamp) return
  if (!holdsAll(JSON.parse(lockfile))) {
    console.log('Installing dependencies (npm ci)')
    const [program, ...args] = npmCommand()
    await runQuietly('npm ci', program, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  fs.writeFileSync(stampFile, stamp)
}

/**
 * Whether node_modules holds what the lockfile asks for. npm writes what it has installed into a lockfile of its own;
 * packages for other platforms are not in it.
 * @param {{ packages: Record<string, { version?: string, optional?: boolean }> }} wanted
 */
function holdsAll(wanted) {
  const text = readIfThere(path.join(root, 'node_modules', '.package-lock.json'))
  if (text === undefined) return false
  const installed = JSON.parse(text).packages ?? {}
  return Object.entries(wanted.packages).every(
    ([name, entry]) =>
      !name.startsWith('node_modules/') || entry.optional || installed[name]?.version === entry.version,
  )
}

/**
 * Under `npm start` npm says where it is itself; its own file also works where npm is not on PATH.
 * @returns {[string, ...string[]]}
 */
function npmCommand() {
  const file = process.env['npm_execpath']
  return file?.endsWith('npm-cli.js') ? [process.execPath, file] : ['npm']
}

/** @param {string} file */
function readIfThere(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
}
