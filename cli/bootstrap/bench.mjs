import path from 'node:path'
import process from 'node:process'
import { withEnvironment } from './environment.mjs'
import { prepare } from './prepare.mjs'
import { root, runInForeground, runMain } from './run.mjs'

await runMain(async () => {
  await prepare()
  const main = path.join(root, 'dist', 'test', 'bench', 'main.js')
  return withEnvironment(variables => runInForeground([main, ...process.argv.slice(2)], variables))
})
