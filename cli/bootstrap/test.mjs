import path from 'node:path'
import process from 'node:process'
import { withEnvironment } from './environment.mjs'
import { prepare } from './prepare.mjs'
import { isMain, root, runInForeground, runMain } from './run.mjs'

/** What fails fast comes first. */
export const allTests = ['unit', 'scenarios', 'simulation', 'integration', 'browser'].map(
  kind => `dist/test/${kind}/**/*.test.js`,
)

/**
 * @param {readonly string[]} args as given after `npm test --`
 * @param {boolean} inCi
 * @returns {string[]} for mocha; a file, folder or pattern among them replaces the whole set
 */
export function mochaArguments(args, inCi) {
  const named = args.map((arg, index) => (isFile(arg, args[index - 1]) ? compiledName(arg) : arg))
  const namesFiles = args.some((arg, index) => isFile(arg, args[index - 1]))
  // A forgotten `.only` would make a green run of a single test.
  return [...(inCi ? ['--forbid-only'] : []), ...named, ...(namesFiles ? [] : allTests)]
}

/**
 * @param {string} arg
 * @param {string | undefined} previous
 */
function isFile(arg, previous) {
  const isValue =
    previous !== undefined && /^(-g|-f|--grep|--fgrep|-t|--timeout|-O|-R|--reporter.*)$/.test(previous)
  return !isValue && !arg.startsWith('-') && /[/*]|\.[jt]s$/.test(arg)
}

/**
 * A test may be named by its source, which is what people see.
 * @param {string} name
 */
function compiledName(name) {
  const relative = path.relative(root, path.resolve(name))
  const compiled = relative.startsWith('test/') ? path.join('dist', relative) : relative
  if (compiled.endsWith('.ts')) return compiled.replace(/\.ts$/, '.js')
  return /[*]|\.js$/.test(compiled) ? compiled : path.join(compiled, '**/*.test.js')
}

async function main() {
  await prepare()
  return withEnvironment(variables => {
    // Not mocha's command: that would start a second process to give Node.js its options.
    const mocha = path.join(root, 'node_modules', 'mocha', 'lib', 'cli', 'cli.js')
    const args = mochaArguments(process.argv.slice(2), process.env['CI'] === 'true')
    return runInForeground(['--enable-source-maps', mocha, ...args], variables)
  })
}

if (isMain(import.meta.url)) await runMain(main)
