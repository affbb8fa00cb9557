import { build } from './build.mjs'
import { install } from './install.mjs'
import { isMain, runMain } from './run.mjs'
import { requireSupportedNode } from './version.mjs'

/** Makes a fresh clone, or a changed one, ready to run. With nothing to do it takes about a second. */
export async function prepare() {
  requireSupportedNode()
  await install()
  await build()
}

if (isMain(import.meta.url)) await runMain(prepare)
