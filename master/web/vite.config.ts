import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../../dist/master/web', import.meta.url)),
    emptyOutDir: true,
    // Preloading helpers are of no use to one small bundle, and would add an inline script.
    modulePreload: false,
    // The Content-Security-Policy lets nothing be loaded from `data:`.
    assetsInlineLimit: 0,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
