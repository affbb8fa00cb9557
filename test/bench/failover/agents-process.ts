import { PlayedAgents, type PlayedCluster } from './played-agents.js'

/** A process that plays agents, and tells its parent when all are registered with a leader, and when that was. */
export type FromAgents =
  | { readonly kind: 'started' }
  | { readonly kind: 'all-registered'; readonly epoch: number; readonly atMs: number }

const tell = (message: FromAgents) => process.send?.(message)
const played = JSON.parse(process.argv[2] ?? '') as PlayedCluster
process.once('disconnect', () => process.exit())
const agents = await PlayedAgents.start(played, epoch => {
  tell({ kind: 'all-registered', epoch, atMs: performance.timeOrigin + performance.now() })
})
tell({ kind: 'started' })
await agents.recover()
