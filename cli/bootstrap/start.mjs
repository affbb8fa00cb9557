import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { prepare } from './prepare.mjs'
import { root, runMain } from './run.mjs'
import { joinRepeatedSignals } from './signals.mjs'

await runMain(async () => {
  await prepare()
  // In this very process: one process less to stop, and its exit status is ours.
  const main = path.join(root, 'dist', 'cli', 'main.js')
  process.argv = [process.execPath, main, 'dev', ...process.argv.slice(2)]
  joinRepeatedSignals()
  await import(pathToFileURL(main).href)
})
