export type { ServiceApi } from './change-app.js'
export { ListenError, listen, type ListeningServer } from './listen.js'
export { createHttp, type ServiceInfo } from './server.js'
