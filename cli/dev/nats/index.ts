export { tenderCacheDir } from './cache.js'
export { type FindOptions, findNatsServer, NatsNotFoundError } from './find.js'
export { type NatsInfo, readInfo } from './ready.js'
export {
  type NatsServer,
  NatsStartError,
  PortTakenError,
  type ServerOptions,
  startNatsServer,
} from './server.js'
export { describeSource, formatVersion, type NatsSource } from './source.js'
export type { StartableSource } from './program.js'
