export { EventHub } from './events.js'
export { ListenError } from './listen.js'
export type { ExplainQuery, LogStream, MasterPort } from './port.js'
export { createHttpServer, type HttpOptions, type HttpServer } from './server.js'
