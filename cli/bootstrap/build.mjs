import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { pruneOutput } from './prune.mjs'
import { isMain, root, runMain, runQuietly } from './run.mjs'
import { requireSupportedNode } from './version.mjs'

/** Builds what has changed: TypeScript by `tsc -b`, then the web page. */
export async function build() {
  requireSupportedNode()
  pruneOutput()
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await runQuietly('Type check (tsc -b)', process.execPath, [tsc, '-b'])
  // The compiler writes a plain file, and `npx tender` runs it as a program.
  fs.chmodSync(path.join(root, 'dist', 'cli', 'main.js'), 0o755)
  await buildWeb()
}

async function buildWeb() {
  const source = path.join(root, 'master', 'web')
  const output = path.join(root, 'dist', 'master', 'web')
  const stampFile = path.join(root, 'dist', '.web-inputs')
  if (!fs.existsSync(path.join(source, 'vite.config.ts'))) return

  // The page uses the protocol's types and values of the master and the SDK, so these are its inputs too.
  const inputs = ['master/web', 'master/http', 'sdk', 'package-lock.json']
  const stamp = hashOf(inputs.map(input => path.join(root, input)))
  const fresh =
    fs.existsSync(output) && fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp
  if (fresh) return

  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = ['build', source, '--outDir', output, '--emptyOutDir', '--logLevel', 'warn']
  await runQuietly('Building the web page (vite build)', process.execPath, [vite, ...args])
  fs.writeFileSync(stampFile, stamp)
}

/**
 * @param {readonly string[]} files and folders
 * @returns {string} a hash of their names and contents
 */
function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files.flatMap(sourcesIn)) hash.update(file).update('\0').update(fs.readFileSync(file))
  return hash.digest('hex')
}

/**
 * @param {string} file
 * @returns {string[]}
 */
function sourcesIn(file) {
  if (!fs.existsSync(file)) return []
  if (!fs.statSync(file).isDirectory()) return [file]
  const names = fs.readdirSync(file).filter(name => name !== 'node_modules' && name !== 'dist')
  return names.toSorted().flatMap(name => sourcesIn(path.join(file, name)))
}

if (isMain(import.meta.url)) await runMain(build)
