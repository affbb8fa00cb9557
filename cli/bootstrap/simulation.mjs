import path from 'node:path'
import process from 'node:process'
import { prepare } from './prepare.mjs'
import { root, runInForeground, runMain } from './run.mjs'

await runMain(async () => {
  await prepare()
  const main = path.join(root, 'dist', 'test', 'simulation', 'main.js')
  return runInForeground(['--enable-source-maps', main, ...process.argv.slice(2)])
})
