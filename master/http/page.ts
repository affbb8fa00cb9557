import { existsSync } from 'node:fs'
import { join } from 'node:path'
import express, { type RequestHandler, Router } from 'express'
import type { MasterPort } from './port.js'

/** The web page, built ahead into `webDir`. Its assets carry a hash in their names, so they never change. */
export function servePage(webDir: string, master: MasterPort, leaderOnly: RequestHandler): Router {
  const router = Router()
  // Without a leader the page is served all the same: it says so, and waits for one.
  router.get('/', (request, response, next) => {
    if (master.leader()) leaderOnly(request, response, next)
    else next()
  })
  router.get('/', (_request, response, next) => {
    if (existsSync(join(webDir, 'index.html'))) return next()
    response.status(404).type('text').send('The web page is not built: run `npm run build`.\n')
  })
  router.use(
    '/assets',
    express.static(join(webDir, 'assets'), { immutable: true, maxAge: '1y', index: false }),
  )
  router.use(
    express.static(webDir, {
      cacheControl: false,
      setHeaders: response => response.set('Cache-Control', 'no-cache'),
    }),
  )
  return router
}
