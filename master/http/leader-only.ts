import type { RequestHandler } from 'express'
import type { MasterPort } from './port.js'
import { noLeader } from './routes/master.js'

/** Sends a request on to the leader when this master is not it. */
export function leaderOnly(master: MasterPort): RequestHandler {
  return (request, response, next) => {
    if (master.isLeader()) return next()
    const leader = master.leader()
    if (!leader) throw noLeader()
    response.redirect(307, leader.httpUrl.replace(/\/$/, '') + request.originalUrl)
  }
}
