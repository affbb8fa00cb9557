import fs from 'node:fs'
import path from 'node:path'
import { root } from './run.mjs'

/** Where each folder's TypeScript is compiled to. */
const outputs = [
  ['sdk', 'sdk/dist'],
  ...['master', 'agent', 'frameworks', 'examples', 'cli', 'test'].map(folder => [folder, `dist/${folder}`]),
]

/** Not compiled from a file of the same name: the page that vite bundles. */
const bundled = path.join(root, 'dist', 'master', 'web')

const compiled = /\.(js|js\.map|d\.ts|d\.ts\.map)$/

/** tsc leaves the output of a file that was deleted or renamed; mocha would go on running such a test. */
export function pruneOutput() {
  for (const [source, output] of outputs) prune(path.join(root, source), path.join(root, output))
}

/**
 * @param {string} source
 * @param {string} output
 */
function prune(source, output) {
  if (!fs.existsSync(output) || output === bundled) return
  for (const entry of fs.readdirSync(output, { withFileTypes: true })) {
    const file = path.join(output, entry.name)
    if (entry.isDirectory()) {
      prune(path.join(source, entry.name), file)
    } else if (compiled.test(entry.name)) {
      const stem = path.join(source, entry.name.replace(compiled, ''))
      if (!fs.existsSync(`${stem}.ts`) && !fs.existsSync(`${stem}.tsx`)) fs.rmSync(file)
    }
  }
}
